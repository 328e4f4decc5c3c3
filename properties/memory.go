package properties

import "cutthrough/sim"

// memoryScenarios returns the scenarios of the structures in shared memory, in the order in which they are listed.
func memoryScenarios() []*sim.Test {
	return []*sim.Test{fifoStream(), fifoWakeup(), fifoHostile(), evqScenario(), allocScenario()}
}
