package sim_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cutthrough/sim"
	"cutthrough/sim/exec"
)

// schedule reads interventions as a trace writes them.
func schedule(t *testing.T, lines ...string) []exec.Intervention {
	t.Helper()
	var s []exec.Intervention
	for _, line := range lines {
		f := strings.Fields(line)
		nth, err := strconv.Atoi(strings.TrimPrefix(f[4], "#"))
		if err != nil {
			t.Fatal(err)
		}
		e, err := exec.ParseEffect(f[5:])
		if err != nil {
			t.Fatal(err)
		}
		s = append(s, exec.Intervention{Task: f[0], Name: f[2], Op: f[3], Nth: nth, Effect: e})
	}
	return s
}

// replay runs the program once under a schedule, all of which must be met, and records it.
func replay(t *testing.T, cfg sim.Config, setup func(*sim.World), lines ...string) sim.Outcome {
	t.Helper()
	r := sim.NewRunner()
	defer r.Close()
	cfg.Record = true
	ch := sim.NewReplay(schedule(t, lines...))
	o := r.Run(cfg, ch, setup)
	if u := ch.Unmet(); len(u) > 0 {
		t.Errorf("never came to %s", lines[u[0]])
	}
	return o
}

// steps returns the steps of an execution as "task name op".
func steps(x *exec.Execution) []string {
	var s []string
	for _, e := range x.Events {
		if e.Kind == exec.StepEvent {
			s = append(s, x.Tasks[e.Task].Name+" "+e.Access.String())
		}
	}
	return s
}

// notes returns the notes of an execution.
func notes(x *exec.Execution) []string {
	var s []string
	for _, e := range x.Events {
		if e.Kind == exec.NoteEvent {
			s = append(s, e.Text)
		}
	}
	return s
}

// wantNotes checks that an execution violates nothing and made these notes.
func wantNotes(t *testing.T, o sim.Outcome, want ...string) {
	t.Helper()
	if got := notes(o.Execution); o.Failure != nil || !slices.Equal(got, want) {
		t.Errorf("failure %v\nnotes %q\nwant  %q", o.Failure, got, want)
	}
}

// enabled returns the names of the tasks that are enabled at the nth step of the access by task.
func enabled(t *testing.T, x *exec.Execution, task, access string, nth int) string {
	t.Helper()
	for _, e := range x.Events {
		if e.Kind == exec.StepEvent && x.Tasks[e.Task].Name == task && e.Access.String() == access && e.Nth == nth {
			var names []string
			for _, i := range e.Enabled {
				names = append(names, x.Tasks[i].Name)
			}
			return strings.Join(names, " ")
		}
	}
	t.Fatalf("no step %s %s #%d in %q", task, access, nth, steps(x))
	return ""
}

// menu is a Chooser that notes what it is offered besides switches, and takes the default but at the points in take.
type menu struct {
	offered []string
	take    func(p *sim.Point) int
}

func (m *menu) Choose(p *sim.Point) int {
	for i := range p.N() {
		if e := p.Option(i); e.Kind.Fault() {
			m.offered = append(m.offered, fmt.Sprintf("%s @ %s: %s", p.TaskName(), p.Access, e))
		}
	}
	if m.take != nil {
		return m.take(p)
	}
	return 0
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
