package core

import (
	"context"
	"fmt"
	"slices"

	"cutthrough/model/check"
	"cutthrough/properties/oracle"
	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"
)

// A walkable is a machine beside which real code walks. Its steps have the names of operations: who
// does what, and the number among those of that name which are possible in a state.
type refinementTarget[S comparable] interface {
	check.Model[S]
	Describe(S) string
	opName(action int) (proc, verb string)
}

// transition is a step of a machine.
type transition[S comparable] struct {
	from   S
	action int
	to     S
}

// transitionsFrom returns the steps that are possible in a state.
func transitionsFrom[S comparable](m refinementTarget[S], s S) []transition[S] {
	var next []transition[S]
	m.Next(s, func(action int, to S) { next = append(next, transition[S]{s, action, to}) })
	return next
}

// opOf names a step. One that is not possible gets a name that nothing has.
func opOf[S comparable](m refinementTarget[S], e transition[S]) scenario.Op {
	proc, verb := m.opName(e.action)
	n := 0
	for _, o := range transitionsFrom(m, e.from) {
		if p, v := m.opName(o.action); p == proc && v == verb {
			if o == e {
				break
			}
			n++
		}
	}
	return scenario.Op{Proc: proc, Verb: verb, Args: []int{n}}
}

// transitionNamed returns the step that an operation names, false if it is not possible.
func transitionNamed[S comparable](m refinementTarget[S], s S, o scenario.Op) (transition[S], bool) {
	n := o.Args[0]
	for _, e := range transitionsFrom(m, s) {
		if p, v := m.opName(e.action); p == o.Proc && v == o.Verb {
			if n == 0 {
				return e, true
			}
			n--
		}
	}
	return transition[S]{}, false
}

// walk takes the steps that are possible, each of which is a step of the simulation, too, and
// has the real code take them.
func walk[S comparable](w *sim.World, m refinementTarget[S], s S, ops []scenario.Op, word shm.Uint64, take func(transition[S]) error) {
	for _, o := range ops {
		e, ok := transitionNamed(m, s, o)
		if !ok {
			continue
		}
		word.Store(uint64(e.action)<<8 | uint64(o.Args[0]))
		w.Note("%s", m.Describe(e.to))
		if err := take(e); err != nil {
			w.Fail(oracle.RefinesCore, "%s %s: %v", o.Proc, o.Verb, err)
		}
		s = e.to
	}
}

// randomWalk draws a walk.
func randomWalk[S comparable](b *scenario.Builder, m refinementTarget[S], s S, steps int) {
	for range steps {
		next := transitionsFrom(m, s)
		if len(next) == 0 {
			return
		}
		e := next[b.Src.Intn(len(next), "step")]
		o := opOf(m, e)
		b.Op(o.Proc, o.Verb, o.Args...)
		s = e.to
	}
}

// counterexample returns a counterexample of a machine with a mistake, as a walk, and its story. The error is one of
// the search, or says that there is no counterexample.
func counterexample[S comparable](ctx context.Context, wrong refinementTarget[S], o check.Options) (ops []scenario.Op, story []string, err error) {
	r, err := check.Run(ctx, wrong, o)
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(r.Outcomes, func(x check.Outcome[S]) bool { return x.Verdict == check.Violated && len(x.Trace) > 1 })
	if i < 0 {
		return nil, nil, fmt.Errorf("%s: no counterexample that the session layer can follow (%s)", wrong.Name(), r.Verdict)
	}
	steps := append(slices.Clone(r.Outcomes[i].Trace), r.Outcomes[i].Cycle...)
	for j, x := range steps[1:] {
		ops = append(ops, opOf(wrong, transition[S]{steps[j].State, x.Action, x.State}))
	}
	text := fmt.Sprintf("A counterexample of %s to %q, as a walk through the machine as it is.", wrong.Name(), r.Outcomes[i].Name)
	return ops, trace.Wrap(text, 95), nil
}

// extend goes on with a walk for so many steps: each is one of an action that may be taken and was not for the
// longest time. What a mistake has broken shows when it is used the next time. It ends where the real code, which
// takes them too, cannot be compared.
func extend[S comparable](b *scenario.Builder, m refinementTarget[S], s S, ops []scenario.Op, steps int, may func(action int) bool, code func(transition[S]) error) {
	used := map[int]int{} // when each action was taken last, from 1
	take := func(e transition[S]) bool {
		used[e.action] = 1 + len(b.Input.Workload)
		s = e.to
		return code(e) == nil
	}
	for _, o := range ops {
		if e, ok := transitionNamed(m, s, o); ok && !take(e) {
			return
		}
	}
	for range steps {
		next := slices.DeleteFunc(transitionsFrom(m, s), func(e transition[S]) bool { return !may(e.action) })
		if len(next) == 0 {
			return
		}
		e := slices.MinFunc(next, func(x, y transition[S]) int { return used[x.action] - used[y.action] })
		o := opOf(m, e)
		if !take(e) {
			return
		}
		b.Op(o.Proc, o.Verb, o.Args...)
	}
}

// refinementProgram returns a program of one task with a word, at which its steps are.
func refinementProgram(name shm.Name, f func(w *sim.World, word shm.Uint64)) scenario.Program {
	setup := func(w *sim.World) {
		p := w.Process("machine")
		p.Go("machine", func() {
			seg, err := p.CreateSegment(shm.MinSegment)
			if err != nil {
				w.Fail(oracle.NoFalseCorrupt, "create: %v", err)
			}
			f(w, seg.Uint64(shm.SegmentHeader, name))
			if err := seg.Close(); err != nil {
				w.Fail(oracle.NoFalseCorrupt, "close: %v", err)
			}
		})
	}
	return scenario.Program{Config: sim.Config{}, Setup: setup}
}
