package properties

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cutthrough/model/catalog"
	"cutthrough/model/check"
	"cutthrough/model/evq"
	"cutthrough/sim/trace"
)

// promptEvq is the machine of the event queue as the scenario evq has it: nobody looks again while
// it waits, or wakes for nothing, or dies. It is searched for one violation.
type promptEvq struct {
	*evq.Model
	property string
	// staying producers never end: one that does rings the consumer in the scenario. Then whoever
	// sleeps for ever sleeps beside a producer that does, too, and any such property will do.
	staying bool
}

// Next implements [check.Model].
func (m promptEvq) Next(s evq.State, emit func(int, evq.State)) {
	m.Model.Next(s, func(action int, t evq.State) {
		if who := m.Actor(action); !m.ByChance(action) && !(m.staying && who < int(m.Producers) && t.Done(who)) {
			emit(action, t)
		}
	})
}

// Properties implements [check.Model].
func (m promptEvq) Properties() []check.Property[evq.State] {
	return slices.DeleteFunc(m.Model.Properties(), func(p check.Property[evq.State]) bool {
		return p.Kind() != check.Always || p.Name() != m.property && !(m.staying && isLiveness(p.Name()))
	})
}

// isLiveness says whether the row of a property is one of liveness.
func isLiveness(name string) bool { return strings.HasPrefix(name, "L") }

// ExportEvq returns a counterexample of the machine of the event queue with a mistake, as a trace of the
// scenario evq: where the run goes from one task to another, so does the schedule. The code passes it,
// and should not if it makes the same mistake. Of the configuration only the sizes count, and of
// the number of events only that it is at least so many. The error is one of the model, or says that
// there is no counterexample that the scenario can follow.
func ExportEvq(ctx context.Context, c evq.Config, variant string, o check.Options) (*trace.Trace, error) {
	variants := evq.Variants()
	i := slices.IndexFunc(variants, func(v catalog.Variant) bool { return v.Name == variant })
	if i < 0 {
		return nil, fmt.Errorf("evq: %w: %s", catalog.ErrUnknown, variant)
	}
	c.Spurious, c.Death, c.Unnoticed, c.Try = false, false, false, false
	for _, staying := range []bool{true, false} {
		if staying && !isLiveness(variants[i].Property) {
			continue
		}
		for d := c; d.Events <= max(c.Events, maxExportedEvents); d.Events++ {
			m, err := evq.New(d, variant)
			if err != nil {
				return nil, err
			}
			if t, err := exportEvq(ctx, promptEvq{m, variants[i].Property, staying}, o); t != nil || err != nil {
				return t, err
			}
		}
	}
	return nil, fmt.Errorf("evq with %s: no counterexample that the scenario evq can follow", variant)
}

// maxExportedEvents is how many events of each producer are tried.
const maxExportedEvents = 2

// exportEvq returns nothing if there is no counterexample that can be followed.
func exportEvq(ctx context.Context, m promptEvq, o check.Options) (*trace.Trace, error) {
	if len(m.Properties()) == 0 {
		return nil, nil // what must come to pass: it ends in no step
	}
	r, err := check.Run(ctx, m, o)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(r.Outcomes, func(x check.Outcome[evq.State]) bool { return x.Verdict == check.Violated })
	if i < 0 {
		return nil, nil
	}
	b := &builder{}
	b.set("slots", m.Slots-1) // 1 or 2, as the power of two that it is
	b.set("producers", m.Producers)
	for p := range int(m.Producers) {
		for range m.Events {
			b.op(producerNames[p], "send")
		}
	}
	story := fmt.Sprintf("A counterexample of %s to %q: who goes on when.", m.Name(), r.Outcomes[i].Name)
	t := &trace.Trace{Story: wrap(story, 95), Scenario: "evq", Config: b.c.Config, Workload: b.c.Workload, Want: trace.Pass}
	run := r.Outcomes[i].Trace
	ok, err := follow(t, producerNames[0], m.moves(run), len(run)-1)
	if !ok {
		return nil, err
	}
	return t, nil
}

// moves returns the steps of a run as the scenario sees them, and after it the next access of
// everybody.
func (m promptEvq) moves(run []check.Step[evq.State]) []move {
	var moves []move
	add := func(s evq.State, action int) {
		who := m.Actor(action)
		v := move{task: m.task(who), sleeps: m.Sleeps(action)}
		if a, ok := m.AccessOf(s, action); ok {
			v.at = m.place(who, a)
		}
		moves = append(moves, v)
	}
	for i, x := range run[1:] {
		add(run[i].State, x.Action)
	}
	last := run[len(run)-1].State
	m.Model.Next(last, func(action int, _ evq.State) { add(last, action) })
	for p := range int(m.Producers) {
		if last.Done(p) {
			moves = append(moves, move{task: m.task(p), at: place{"sys.close", "call"}})
		}
	}
	return moves
}

func (m promptEvq) task(who int) string {
	if who == int(m.Producers) {
		return "cons"
	}
	return producerNames[who]
}

// place returns where an access is in the code. Each side rings the bell of the other.
func (m promptEvq) place(who int, a evq.Access) place {
	switch {
	case a.Word != "bell":
		return place{"evq." + a.Word, a.Op}
	case (who == int(m.Producers)) == (a.Op == "wait"):
		return place{nameQueueBell.String(), a.Op}
	}
	return place{nameSpaceBell.String(), a.Op}
}
