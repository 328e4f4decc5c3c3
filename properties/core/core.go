package core

import (
	"cutthrough/sim/scenario"
)

// Scenarios returns the scenarios of the core of the session layer, in the order in which they are listed.
func Scenarios() []*scenario.Scenario {
	return []*scenario.Scenario{coreRefinementScenario(), addrspaceRefinementScenario(), coreFuzzScenario(), redirectLegacy()}
}
