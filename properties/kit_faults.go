package properties

import "cutthrough/sim"

// faultClasses are the values of the configuration key faults.
var faultClasses = []string{"none", "kill", "stop", "wake", "all"}

// simConfig returns how a case with the given class of faults runs.
func simConfig(faults string) sim.Config {
	c := sim.Config{Races: true}
	switch faults {
	case "kill":
		c.Faults = sim.Faults(sim.Kill)
	case "stop":
		c.Faults = sim.Faults(sim.Stop, sim.Resume)
	case "wake":
		c.Faults = sim.Faults(sim.Spurious, sim.Delay, sim.Jump)
	case "all":
		c.Faults = sim.Faults(sim.Kill, sim.Stop, sim.Resume, sim.Spurious, sim.Delay, sim.Jump)
	case "hostile":
		c.Faults = sim.Faults(sim.Hostile)
	}
	c.MaxFaults = 2
	return c
}
