package memory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cutthrough/model/catalog"
	"cutthrough/model/check"
	"cutthrough/model/evq"
	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"
)

// promptEvq is the machine of the event queue as the scenario evq has it: nobody looks again while
// it waits, or wakes for nothing. Nobody dies, but a producer may stop until the rest of the run is over. It is
// searched for one violation.
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
		who := m.Actor(action)
		if m.ByChance(action) && !m.Stops(action) || m.staying && who < int(m.Producers) && t.Done(who) {
			return
		}
		emit(action, t)
	})
}

// Properties implements [check.Model].
func (m promptEvq) Properties() []check.Property[evq.State] {
	return slices.DeleteFunc(m.Model.Properties(), func(p check.Property[evq.State]) bool {
		if p.Kind() == check.Always {
			return p.Name() != m.property && !(m.staying && isLiveness(p.Name()))
		}
		return p.Kind() != check.Eventually || p.Name() != m.property || m.staying || !m.Unnoticed
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
	for _, d := range evqAttempts(c) {
		if d.staying && !isLiveness(variants[i].Property) {
			continue
		}
		m, err := evq.New(d.Config, variant)
		if err != nil {
			return nil, err
		}
		if t, err := exportEvq(ctx, promptEvq{m, variants[i].Property, d.staying}, o); t != nil || err != nil {
			return t, err
		}
	}
	return nil, fmt.Errorf("evq with %s: no counterexample that the scenario evq can follow", variant)
}

// evqAttempt is a configuration in which a counterexample is looked for.
type evqAttempt struct {
	evq.Config
	staying bool
}

// maxExportedEvents is how many events of each producer are tried.
const maxExportedEvents = 2

// evqAttempts returns them in their order: first without what need not be, then with producers that stop for ever,
// and then with such as do not wait for room.
func evqAttempts(c evq.Config) (all []evqAttempt) {
	c.Spurious, c.Death, c.Unnoticed, c.Try, c.Safety = false, false, false, false, false
	stopped := c
	stopped.Death, stopped.Unnoticed = true, true
	trying := stopped
	trying.Try = true
	for _, d := range []evq.Config{c, stopped, trying} {
		for _, staying := range []bool{true, false} {
			for e := d; e.Events <= max(c.Events, maxExportedEvents); e.Events++ {
				all = append(all, evqAttempt{e, staying})
			}
		}
	}
	return all
}

// exportEvq returns nothing if there is no counterexample that can be followed.
func exportEvq(ctx context.Context, m promptEvq, o check.Options) (*trace.Trace, error) {
	if len(m.Properties()) == 0 {
		return nil, nil // what must come to pass, though nobody stops
	}
	r, err := check.Run(ctx, m, o)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(r.Outcomes, func(x check.Outcome[evq.State]) bool { return x.Verdict == check.Violated })
	if i < 0 {
		return nil, nil
	}
	b := &scenario.Builder{}
	b.Set("slots", m.Slots-1) // 1 or 2, as the power of two that it is
	b.Set("producers", m.Producers)
	if m.Death {
		b.Set("faults", "stop")
	}
	run := append(slices.Clone(r.Outcomes[i].Trace), r.Outcomes[i].Cycle...)
	for p := range int(m.Producers) {
		for _, verb := range m.posts(run, p) {
			b.Op(producerNames[p], verb)
		}
	}
	story := fmt.Sprintf("A counterexample of %s to %q: who goes on when.", m.Name(), r.Outcomes[i].Name)
	t := &trace.Trace{Story: trace.Wrap(story, 95), Scenario: "evq", Config: b.Input.Config, Workload: b.Input.Workload, Want: trace.Pass}
	moves, n := m.moves(run)
	ok, err := follow(evqScenario(), t, producerNames[0], moves, n)
	if !ok {
		return nil, err
	}
	return t, nil
}

// posts returns what a producer does in a run: it tries as often as it does not wait for room, and sends.
func (m promptEvq) posts(run []check.Step[evq.State], p int) []string {
	var posts []string
	events := 0
	for i, x := range run[1:] {
		s := run[i].State
		for ; events < s.Posted(p); events++ {
			posts = append(posts, "send")
		}
		if m.Actor(x.Action) == p && m.TriesAgain(s, x.Action) {
			posts = append(posts, "try")
		}
	}
	for ; events < int(m.Events); events++ {
		posts = append(posts, "send")
	}
	return posts
}

// moves returns the steps of a run as the scenario sees them, how many they are, and after them the next
// access of everybody. Who stops for ever takes no step any more; his next access is there, too.
func (m promptEvq) moves(run []check.Step[evq.State]) (moves []move, n int) {
	var rest []move
	of := func(s evq.State, action int) move {
		who := m.Actor(action)
		v := move{task: m.task(who), sleeps: m.Sleeps(action)}
		if a, ok := m.AccessOf(s, action); ok {
			v.at = m.place(who, a)
		}
		return v
	}
	next := func(s evq.State, only func(action int) bool) {
		m.Model.Next(s, func(action int, _ evq.State) {
			if !m.ByChance(action) && only(action) {
				rest = append(rest, of(s, action))
			}
		})
	}
	for i, x := range run[1:] {
		if m.Stops(x.Action) {
			who := m.Actor(x.Action)
			after := 1 + lastOf(moves, m.task(who)) // nobody notices when
			moves = slices.Insert(moves, after, move{task: m.task(who), stops: true})
			next(run[i].State, func(action int) bool { return m.Actor(action) == who })
			continue
		}
		moves = append(moves, of(run[i].State, x.Action))
	}
	n = len(moves)
	last := run[len(run)-1].State
	next(last, func(int) bool { return true })
	for p := range int(m.Producers) {
		if last.Done(p) {
			rest = append(rest, move{task: m.task(p), at: place{"host.close", "call"}})
		}
	}
	return append(moves, rest...), n
}

// lastOf returns the last move of a task, -1 if there is none.
func lastOf(moves []move, task string) int {
	last := -1
	for i, v := range moves {
		if v.task == task {
			last = i
		}
	}
	return last
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
