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

// hasty is probe for what does not end by itself: its patience passes in any case.
func hasty() App {
	a := probe()
	a.Patience = 100 * time.Millisecond
	return a
}

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"probe": func() { probe().Main() },
		"hasty": func() { hasty().Main() },
	})
}

func TestScripts(t *testing.T) { clitest.Scripts(t, "../..") }
