package trace

import (
	"fmt"

	"cutthrough/sim/exec"
)

// checkEffect says whether e can be written: whether what it names is a name. Which failures a call can have is known to
// the code that simulates it, so an errno need only look like one.
func checkEffect(e exec.Effect) error {
	if what := e.Kind.Target(); what != "" {
		if err := checkName(what, e.Target); err != nil {
			return fmt.Errorf("effect %q: %w", e.Kind, err)
		}
	}
	// What the words do not say would be lost.
	if back, err := exec.ParseEffect(e.Words()); err != nil {
		return err
	} else if back != e {
		return fmt.Errorf("effect %q does not take all of target %q, number %d", e.Kind, e.Target, e.Arg)
	}
	return nil
}
