package proctest

import (
	"maps"
	"testing"
)

// TestForgive: a task that has ended since is no leak; any other difference is one, in both directions:
// a descriptor too few was closed by something that did not own it.
func TestForgive(t *testing.T) {
	before := Census{"open socket": 3, "tasks": 2}
	for name, c := range map[string]struct {
		after Census
		equal bool
	}{
		"same":                  {Census{"open socket": 3, "tasks": 2}, true},
		"a task ended":          {Census{"open socket": 3, "tasks": 1}, true},
		"a task more":           {Census{"open socket": 3, "tasks": 3}, false},
		"a descriptor more":     {Census{"open socket": 4, "tasks": 1}, false},
		"a descriptor fewer":    {Census{"open socket": 2, "tasks": 2}, false},
		"a descriptor of a new": {Census{"open socket": 3, "open pipe": 1, "tasks": 2}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c.after.forgive(before)
			if maps.Equal(c.after, before) != c.equal {
				t.Errorf("after: %v", c.after)
			}
		})
	}
}
