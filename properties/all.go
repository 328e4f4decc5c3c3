package properties

import (
	"fmt"
	"slices"
	"strings"

	"cutthrough/properties/core"
	"cutthrough/properties/memory"
	"cutthrough/properties/session"
	"cutthrough/sim/scenario"
)

// All returns the scenarios in the order in which they are listed.
func All() []*scenario.Scenario {
	return slices.Concat(memory.Scenarios(), session.Scenarios(), core.Scenarios())
}

// Find returns the scenario called name, or an error that names those that exist.
func Find(name string) (*scenario.Scenario, error) {
	var names []string
	for _, s := range All() {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return nil, fmt.Errorf("no scenario %q (there are %s)", name, strings.Join(names, ", "))
}
