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

// A refinementTarget is a model that real code must refine: the code takes each step as the model does.
type refinementTarget[S comparable] interface {
	check.Model[S]
	Describe(S) string
	opName(action int) (proc, verb string)
}

// named is the operation that names a step of a model: a process takes the step number nth of those steps of this verb
// that it can take in the state.
type named struct {
	verb string
	nth  int
}

// namedVerb returns the verb of the steps that have its name.
func namedVerb(name string, procs ...string) scenario.Verb {
	return scenario.VerbOf(name, procs, named{verb: name}, scenario.Number("nth", 0, 255, func(o *named) *int { return &o.nth }))
}

// transition is a step of a model.
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

// opOf returns the operation that names a step. An impossible step gets the name of no step.
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
	return scenario.Op{Proc: proc, Do: named{verb, n}}
}

// transitionNamed returns the step that an operation names, or false if the step is not possible.
func transitionNamed[S comparable](m refinementTarget[S], s S, o scenario.Op) (transition[S], bool) {
	do := o.Do.(named)
	for _, e := range transitionsFrom(m, s) {
		if proc, verb := m.opName(e.action); proc == o.Proc && verb == do.verb {
			if do.nth == 0 {
				return e, true
			}
			do.nth--
		}
	}
	return transition[S]{}, false
}

// walk takes each operation that is possible in the model, and lets the real code take the same step. Each is
// one step of the simulation.
func walk[S comparable](w *sim.World, m refinementTarget[S], s S, ops []scenario.Op, word shm.Uint64, take func(transition[S]) error) {
	for _, o := range ops {
		e, ok := transitionNamed(m, s, o)
		if !ok {
			continue
		}
		do := o.Do.(named)
		word.Store(uint64(e.action)<<8 | uint64(do.nth))
		w.Note("%s", m.Describe(e.to))
		if err := take(e); err != nil {
			w.Fail(oracle.RefinesCore, "%s %s: %v", o.Proc, do.verb, err)
		}
		s = e.to
	}
}

// randomWalk draws a walk through the model of at most so many steps.
func randomWalk[S comparable](b *scenario.Builder, m refinementTarget[S], s S, steps int) {
	for range steps {
		next := transitionsFrom(m, s)
		if len(next) == 0 {
			return
		}
		e := next[b.Src.Intn(len(next), "step")]
		o := opOf(m, e)
		b.Op(o.Proc, o.Do)
		s = e.to
	}
}

// counterexample returns a counterexample of a model with a mistake, as a walk, and its story. The error is that of
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

// extend appends so many steps to a walk, because a broken state often shows only at its next use. Each step is of
// the allowed action that was not taken for the longest time. The walk ends early at a step that the real code,
// which takes the steps as well, cannot be compared in.
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
		b.Op(o.Proc, o.Do)
	}
}

// refinementProgram returns a program of one task; each step of f is a store to word.
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
