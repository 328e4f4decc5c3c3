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

// promptEvq is the model of the event queue restricted to the runs of the scenario evq: without retries while a side
// waits, spurious wakes and deaths. A producer may stop until the rest of the run is over. The search stops at the
// first violation.
type promptEvq struct {
	*evq.Model
	property string
	// staying: producers never end, because in the scenario the end of one rings the consumer. Then each side that
	// sleeps for ever does so beside a producer that does, so that the violation of any liveness property is taken.
	staying bool
}

// Next implements [check.Model].
func (m promptEvq) Next(s evq.State, emit func(int, evq.State)) {
	m.Model.Next(s, func(action int, t evq.State) {
		actor := m.Actor(action)
		if m.ByChance(action) && !m.Stops(action) || m.staying && actor < int(m.Producers) && t.Done(actor) {
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

// ExportEvq returns a counterexample of the model of the event queue with a mistake, as a trace of the scenario evq
// actorse schedule switches tasks where the counterexample does. The code passes the trace, and fails it if it makes
// the same mistake. Of the configuration only the sizes are used; the number of events is a minimum. The error is
// that of the model, or says that there is no counterexample that the scenario can follow.
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

// evqAttempt is a configuration that is searched for a counterexample.
type evqAttempt struct {
	evq.Config
	staying bool
}

// maxExportedEvents is the largest number of events of each producer that is tried.
const maxExportedEvents = 2

// evqAttempts returns the attempts in their order: first the plain configuration, then with producers that stop for
// ever, then also with posts that do not wait for room.
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

// exportEvq returns nil without error if there is no counterexample that the scenario can follow.
func exportEvq(ctx context.Context, m promptEvq, o check.Options) (*trace.Trace, error) {
	if len(m.Properties()) == 0 {
		return nil, nil // a liveness property without producers that stop
	}
	r, err := check.Run(ctx, m, o)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(r.Outcomes, func(x check.Outcome[evq.State]) bool { return x.Verdict == check.Violated })
	if i < 0 {
		return nil, nil
	}
	b := &scenario.Builder{Verbs: evqVerbs}
	b.Set("slots", m.Slots-1) // 1 or 2, as the power of two that it is
	b.Set("producers", m.Producers)
	if m.Death {
		b.Set("faults", "stop")
	}
	run := append(slices.Clone(r.Outcomes[i].Trace), r.Outcomes[i].Cycle...)
	for p := range int(m.Producers) {
		for _, o := range m.posts(run, p) {
			b.Op(producerNames[p], o)
		}
	}
	story := fmt.Sprintf("A counterexample of %s to %q: the order of its steps.", m.Name(), r.Outcomes[i].Name)
	t := &trace.Trace{Story: trace.Wrap(story, 95), Scenario: "evq", Config: b.Input.Config, Workload: b.Input.Workload, Want: trace.Pass}
	moves, n := m.moves(run)
	ok, err := follow(evqScenario(), t, producerNames[0], moves, n)
	if !ok {
		return nil, err
	}
	return t, nil
}

// posts returns the operations of a producer in a run: try for each post that does not wait for room, else send.
func (m promptEvq) posts(run []check.Step[evq.State], p int) []post {
	var posts []post
	events := 0
	for i, x := range run[1:] {
		s := run[i].State
		for ; events < s.Posted(p); events++ {
			posts = append(posts, send{})
		}
		if m.Actor(x.Action) == p && m.TriesAgain(s, x.Action) {
			posts = append(posts, try{})
		}
	}
	for ; events < int(m.Events); events++ {
		posts = append(posts, send{})
	}
	return posts
}

// moves returns the steps of a run as the scenario sees them, followed by the next access of each task, and the
// number of steps. The next access of a task that stops for ever is among them.
func (m promptEvq) moves(run []check.Step[evq.State]) (moves []move, n int) {
	var rest []move
	of := func(s evq.State, action int) move {
		actor := m.Actor(action)
		v := move{task: m.task(actor), sleeps: m.Sleeps(action)}
		if a, ok := m.AccessOf(s, action); ok {
			v.at = m.place(actor, a)
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
			actor := m.Actor(x.Action)
			after := 1 + lastOf(moves, m.task(actor)) // no other task sees when it stops
			moves = slices.Insert(moves, after, move{task: m.task(actor), stops: true})
			next(run[i].State, func(action int) bool { return m.Actor(action) == actor })
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

func (m promptEvq) task(actor int) string {
	if actor == int(m.Producers) {
		return "cons"
	}
	return producerNames[actor]
}

// place returns where an access is in the code. Each side rings the bell of the other.
func (m promptEvq) place(actor int, a evq.Access) place {
	switch {
	case a.Word != "bell":
		return place{"evq." + a.Word, a.Op}
	case (actor == int(m.Producers)) == (a.Op == "wait"):
		return place{nameQueueBell.String(), a.Op}
	}
	return place{nameSpaceBell.String(), a.Op}
}
