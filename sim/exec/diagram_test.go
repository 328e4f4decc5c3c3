package exec

import (
	"fmt"
	"strings"
	"testing"
)

// long is an execution of n steps of two tasks in turn, with interventions before some of them.
func long(n int, interventions ...int) *Execution {
	x := &Execution{Tasks: []Task{{Name: "producer", State: Finished}, {Name: "consumer", State: Finished}}}
	for i := 1; i <= n; i++ {
		a := Access{Name: "x", Op: "load"}
		for _, at := range interventions {
			if at == i {
				x.Events = append(x.Events, Event{Kind: InterventionEvent, Task: i % 2, Access: a, Nth: i, Effect: &Effect{Kind: Stop}})
			}
		}
		x.Events = append(x.Events, Event{Kind: StepEvent, Task: i % 2, Step: i, Access: a, Read: word(uint64(i))})
	}
	return x
}

// TestDiagrams: diagrams as they are drawn.
func TestDiagrams(t *testing.T) {
	passed := twoTasks()
	passed.Failure = nil
	panicked := long(2)
	panicked.Failure = &Failure{Property: NoPanic, Task: "consumer"}
	for _, tt := range []struct {
		name  string
		x     *Execution
		lines int
	}{
		{"whole", twoTasks(), 100},
		{"passed", passed, 100},
		{"panicked", panicked, 100},
		{"far apart", long(60, 10, 50), 20},
		{"far apart and narrow", long(60, 10, 50), 9},
		{"nothing to hold on to", long(60), 12},
		{"too many interventions", long(30, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10), 12},
		{"empty", &Execution{}, 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lines := tt.x.Diagram(tt.lines)
			if len(lines) > max(tt.lines, 8) {
				t.Errorf("%d lines, limit %d", len(lines), tt.lines)
			}
			golden(t, strings.ReplaceAll(tt.name, " ", "-")+".txt", strings.Join(lines, "\n")+"\n")
		})
	}
}

// TestDiagramFits: no diagram has more lines than were asked for, and no step is counted twice or lost.
func TestDiagramFits(t *testing.T) {
	for n := range 40 {
		x := long(n, n/3, n/2)
		all := len(x.Diagram(1000))
		for limit := range 50 {
			lines, shown := x.Diagram(limit), 0
			for _, l := range lines {
				left := 1
				_, _ = fmt.Sscanf(l, " … %d steps", &left)
				shown += left
			}
			whole := !strings.Contains(strings.Join(lines, ""), "lines left out") // those may stand for steps
			if len(lines) > max(limit, 8) || whole && shown != all {
				t.Fatalf("%d steps, limit %d: %d lines stand for %d of %d:\n%s", n, limit, len(lines), shown, all, strings.Join(lines, "\n"))
			}
		}
	}
}
