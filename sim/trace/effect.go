package trace

import (
	"fmt"

	"cutthrough/sim/exec"
)

// checkEffect says whether e can be written: whether what it names is a name. Which failures a call can have is known to
// the code that simulates it, so an errno need only look like one.
func checkEffect(e exec.Effect) error {
	var err error
	switch e.Kind.Argument() {
	case exec.TaskArgument:
		err = checkName("task", e.Target)
	case exec.ProcessArgument:
		err = checkName("process", e.Target)
	case exec.ErrnoArgument:
		err = checkName("errno", e.Target)
	}
	if err != nil {
		return fmt.Errorf("effect %q: %w", e.Kind, err)
	}
	// What the words do not say would be lost.
	if back, err := exec.ParseEffect(e.Words()); err != nil {
		return err
	} else if back != e {
		return fmt.Errorf("effect %q does not take all of target %q, number %d", e.Kind, e.Target, e.Arg)
	}
	return nil
}
