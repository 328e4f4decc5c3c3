package cli

import (
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"cutthrough/internal/clitest"
)

// probe is a command line for the test scenarios. Its name is not that of a package.
func probe() App {
	return App{Name: "probe", Traces: "traces", Scenarios: testScenarios(), Patience: 2 * time.Second}
}

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"probe": func() { probe().Main() },
	})
}

func TestScripts(t *testing.T) { clitest.Scripts(t, "../..") }
