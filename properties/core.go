package properties

import "cutthrough/sim"

// coreScenarios returns the scenarios of the core of the session layer, in the order in which they are listed.
func coreScenarios() []*sim.Test {
	return []*sim.Test{machineScenario(), spaceScenario(), unrulyScenario(), redirectLegacy()}
}
