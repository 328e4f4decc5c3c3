package scenario

import (
	"cutthrough/sim"
	"cutthrough/sim/exec"
)

// FaultClasses returns the usual values of the configuration key "faults", the first being the
// simplest. [FaultConfig] knows them.
func FaultClasses() []string { return []string{"none", "kill", "stop", "wake", "all"} }

// FaultConfig returns how a program with a class of faults runs: with race detection, and at most
// two faults in one execution. Beyond [FaultClasses] there is "hostile". A class that is not
// known means no faults; inputs are checked before.
func FaultConfig(class string) sim.Config {
	c := sim.Config{Races: true, MaxFaults: 2}
	switch class {
	case "kill":
		c.Faults = sim.Faults(exec.Kill)
	case "stop":
		c.Faults = sim.Faults(exec.Stop, exec.Resume)
	case "wake":
		c.Faults = sim.Faults(exec.Spurious, exec.Delay, exec.AdvanceClock)
	case "all":
		c.Faults = sim.Faults(exec.Kill, exec.Stop, exec.Resume, exec.Spurious, exec.Delay, exec.AdvanceClock)
	case "hostile":
		c.Faults = sim.Faults(exec.CorruptRead)
	}
	return c
}
