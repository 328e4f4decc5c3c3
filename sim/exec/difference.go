package exec

import "fmt"

// FirstDifference compares two executions event by event and describes the first one that differs: what was done, by
// which task, where, and the values. It returns the number of the step and an empty text if there is none.
func FirstDifference(a, b *Execution) (step int, text string) {
	for i := range max(len(a.Events), len(b.Events)) {
		x, y := a.describe(i), b.describe(i)
		if x == y {
			continue
		}
		step = max(a.stepAt(i), b.stepAt(i))
		return step, fmt.Sprintf("the first step that differs is step %d: %s in one execution, %s in another", step, x, y)
	}
	return 0, ""
}

// describe returns event i as one line, or what stands for it behind the end.
func (x *Execution) describe(i int) string {
	if i >= len(x.Events) {
		return "nothing"
	}
	e := &x.Events[i]
	task := "no task"
	if e.Task >= 0 {
		task = x.Tasks[e.Task].Name
	}
	switch e.Kind {
	case StepEvent:
		at := ""
		if e.Off > 0 {
			at = fmt.Sprintf(" at byte %d", e.Off)
		}
		if e.Message != nil {
			at += " " + e.Message.String()
		}
		return task + " @ " + e.text() + at
	case InterventionEvent:
		return fmt.Sprintf("%s @ %s #%d %s", task, e.Access, e.Nth, e.Effect)
	}
	return fmt.Sprintf("%s: %s %s%s", task, e.Kind, e.Access, e.Text)
}

// stepAt returns the number of the step that event i is, or comes before.
func (x *Execution) stepAt(i int) int {
	for i = min(i, len(x.Events)-1); i >= 0; i-- {
		if n := x.Events[i].Step; n > 0 {
			return n
		}
	}
	return 0
}
