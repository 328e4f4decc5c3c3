package cli

import (
	"testing"

	"cutthrough/internal/clitest"

	"github.com/rogpeppe/go-internal/testscript"
)

// probe is a command line for the test scenarios. Its name is not that of a package.
func probe() App {
	return App{Name: "probe", Traces: "traces", Scenarios: testScenarios()}
}

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"probe": func() { probe().Main() },
	})
}

func TestScripts(t *testing.T) { clitest.Scripts(t, "../..") }
