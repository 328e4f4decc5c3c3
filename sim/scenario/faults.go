package scenario

import "cutthrough/sim"

// FaultClasses are the values of the configuration key faults.
var FaultClasses = []string{"none", "kill", "stop", "wake", "all"}

// ConfigOf returns how a case with the given class of faults runs.
func ConfigOf(faults string) sim.Config {
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
