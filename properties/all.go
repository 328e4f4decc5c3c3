package properties

import (
	"cutthrough/sim"
	"fmt"
	"slices"
	"strings"
)

// All returns the scenarios in the order in which they are listed.
func All() []*sim.Test {
	return slices.Concat(memoryScenarios(), sessionScenarios(), coreScenarios())
}

// Find returns the scenario called name, or an error that names those that exist.
func Find(name string) (*sim.Test, error) {
	var names []string
	for _, s := range All() {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return nil, fmt.Errorf("no scenario %q (there are %s)", name, strings.Join(names, ", "))
}
