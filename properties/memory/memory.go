package memory

import (
	"cutthrough/sim/scenario"
)

// Scenarios returns the scenarios of the structures in shared memory, in the order in which they are listed.
func Scenarios() []*scenario.Scenario {
	return []*scenario.Scenario{fifoStream(), fifoWakeup(), fifoHostile(), evqScenario(), allocScenario()}
}
