package scenario

import (
	"fmt"
	"slices"
	"strings"

	"cutthrough/internal/closest"
)

// Registry is a list of scenarios with different names, in the order in which they are listed.
type Registry []*Scenario

// Find returns the scenario called name. The error guesses which one was meant, and names those
// that there are.
func (r Registry) Find(name string) (*Scenario, error) {
	names := r.Names()
	if i := slices.Index(names, name); i >= 0 {
		return r[i], nil
	}
	return nil, fmt.Errorf("unknown scenario %q%s (there are %s)", name, closest.Hint(name, names), strings.Join(names, ", "))
}

// Names returns the names in the order of the list.
func (r Registry) Names() []string {
	names := make([]string, len(r))
	for i, s := range r {
		names[i] = s.Name
	}
	return names
}
