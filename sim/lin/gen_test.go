package lin

import (
	"cmp"
	"math"
	"slices"

	"cutthrough/model"
	"cutthrough/sim/exec"
	"cutthrough/sim/scenario"
)

// timeStep is the distance of neighbouring events in generated histories: it
// leaves room to move an event to just before, at, or just after another.
const timeStep = 2

// A histGen makes histories of a correct object: clients call, take effect and
// return in any interleaving, may be killed at any point, and the answer
// is one that the specification allows at the instant of the effect.
type histGen[S comparable, I, O any] struct {
	spec model.Spec[S, I, O]
	// call returns the next input of a client; s is the state now.
	call func(src scenario.Source, client int, s S) I
	// answers returns candidates, of which a legal one is taken.
	answers func(s S, in I) []O
	// told tells the client what its call returned.
	told func(client int, in I, out O)
	// returns says that the operation is not killed once it took effect.
	returns func(in I) bool
}

func (g *histGen[S, I, O]) run(src scenario.Source, clients, events int) []exec.Operation {
	const idle, called, done, dead = 0, 1, 2, 3
	phase, current := make([]int, clients), make([]int, clients)
	var h []exec.Operation
	s, now := g.spec.Init(), int64(0)
	for range events {
		c := src.Intn(clients, "client")
		now += timeStep
		switch phase[c] {
		case idle:
			current[c] = len(h)
			h = append(h, exec.Operation{Client: c, Call: now, Return: math.MaxInt64, Input: g.call(src, c, s), Pending: true})
		case called:
			in := h[current[c]].Input.(I)
			legal := slices.DeleteFunc(g.answers(s, in), func(o O) bool {
				_, ok := g.spec.Step(s, in, o)
				return !ok
			})
			out := legal[src.Intn(len(legal), "answer")]
			s, _ = g.spec.Step(s, in, out)
			h[current[c]].Output = out
		case done:
			h[current[c]].Pending, h[current[c]].Return = false, now
			g.told(c, h[current[c]].Input.(I), h[current[c]].Output.(O))
		case dead:
			continue
		}
		phase[c] = (phase[c] + 1) % dead
		survives := phase[c] == idle || phase[c] == done && g.returns(h[current[c]].Input.(I))
		if !survives && src.Intn(20, "kill") == 19 {
			phase[c] = dead
		}
	}
	for i := range h {
		switch {
		case h[i].Pending && h[i].Output != nil && g.returns(h[i].Input.(I)):
			now += timeStep
			h[i].Pending, h[i].Return = false, now
		case h[i].Pending:
			h[i].Output = nil
		}
	}
	return h
}

// byteHistory draws a fifo and a history of it.
func byteHistory(src scenario.Source) (*Checker, []exec.Operation) {
	capacity := 1 + src.Intn(4, "capacity")
	spec := model.ByteQueue{Capacity: capacity}
	var at [2]int
	g := histGen[model.ByteState, model.ByteIn, model.ByteOut]{
		spec: spec,
		call: func(src scenario.Source, c int, _ model.ByteState) model.ByteIn {
			ops := [][]model.ByteOp{
				{model.Enqueue, model.Enqueue, model.Publish},
				{model.Dequeue, model.Dequeue, model.Peek, model.Drop, model.Release},
			}[c]
			in := model.ByteIn{Op: ops[src.Intn(len(ops), "op")], At: at[c]}
			if in.Op != model.Publish && in.Op != model.Release {
				in.N = src.Intn(capacity+2, "n")
			}
			if in.Op == model.Peek {
				in.At += src.Intn(2, "ahead")
			}
			return in
		},
		answers: func(_ model.ByteState, in model.ByteIn) (outs []model.ByteOut) {
			for n := range in.N + 1 {
				outs = append(outs, model.ByteOut{N: n})
			}
			return outs
		},
		told: func(c int, in model.ByteIn, out model.ByteOut) {
			if in.Op != model.Peek {
				at[c] += out.N
			}
		},
		returns: func(model.ByteIn) bool { return false },
	}
	return ByteQueue(capacity), g.run(src, 2, 3*(1+src.Intn(11, "events")))
}

// eventHistory draws an event queue and a history of it. Client 0 polls, the
// others post; rarely a second one polls too.
func eventHistory(src scenario.Source) (*Checker, []exec.Operation) {
	capacity := 1 + src.Intn(3, "capacity")
	consumers := 1 + src.Intn(6, "consumers")/5
	next := uint64(0)
	g := histGen[model.EventState, model.EventIn, model.EventOut]{
		spec: model.EventQueue{Capacity: capacity},
		call: func(_ scenario.Source, c int, _ model.EventState) model.EventIn {
			if c < consumers {
				return model.EventIn{Op: model.Poll}
			}
			next++
			return model.EventIn{Op: model.Post, V: (next + 1) ^ 1} // 3, 2, 5, 4, 7, 6, ...
		},
		answers: func(s model.EventState, _ model.EventIn) []model.EventOut {
			outs := []model.EventOut{{}, {Status: model.Full}, {Status: model.Empty}}
			for v := range next + 1 {
				outs = append(outs, model.EventOut{V: v + 2})
			}
			return outs
		},
		told:    func(int, model.EventIn, model.EventOut) {},
		returns: func(model.EventIn) bool { return false },
	}
	return EventQueue(capacity), g.run(src, consumers+1+src.Intn(3, "producers"), 3*(1+src.Intn(11, "events")))
}

const testArena = 8

// rangeHistory draws an allocator and a history of it.
func rangeHistory(src scenario.Source) (*Checker, []exec.Operation) {
	spec := model.Ranges{Base: 64, End: 64 + testArena, Strict: src.Intn(6, "strict") == 5}
	var known []uint64 // offsets that were allocated, perhaps freed since
	g := histGen[model.RangesState, model.RangeIn, model.RangeOut]{
		spec: spec,
		call: func(src scenario.Source, c int, _ model.RangesState) model.RangeIn {
			if len(known) == 0 || src.Intn(2, "op") == 0 {
				return model.RangeIn{Op: model.Alloc, N: 1 + uint64(src.Intn(3, "n"))}
			}
			i := src.Intn(len(known), "which")
			off := known[i]
			if src.Intn(6, "again") != 5 {
				known = slices.Delete(known, i, i+1)
			}
			return model.RangeIn{Op: model.Free, Off: off}
		},
		answers: func(_ model.RangesState, in model.RangeIn) []model.RangeOut {
			outs := []model.RangeOut{{}, {Status: model.NotAllocated}, {Status: model.Exhausted}}
			for i := uint64(0); in.Op == model.Alloc && i < testArena; i++ {
				outs = append(outs, model.RangeOut{Off: 64 + i, Len: in.N}, model.RangeOut{Off: 64 + i, Len: in.N + 1})
			}
			return outs
		},
		told: func(_ int, in model.RangeIn, out model.RangeOut) {
			if in.Op == model.Alloc && out.Status == model.OK {
				known = append(known, out.Off)
			}
		},
		// The range of a pending alloc is unknown, so no client can free it.
		returns: func(in model.RangeIn) bool { return in.Op == model.Alloc },
	}
	return Ranges(spec), g.run(src, 1+src.Intn(4, "clients"), 3*(1+src.Intn(11, "events")))
}

// directoryHistory draws a history of one port or two of the directory of listeners. An application only ends what it began.
func directoryHistory(src scenario.Source) (*Checker, []exec.Operation) {
	var h []exec.Operation
	for port := range 1 + src.Intn(2, "ports") {
		g := histGen[int, model.DirIn, model.DirOut]{
			spec: model.Directory{},
			call: func(src scenario.Source, c int, owner int) model.DirIn {
				in := model.DirIn{Op: model.DirOp(src.Intn(4, "op")), Port: port, App: c + 1}
				if in.Op == model.Unbind && owner != in.App {
					in.Op = model.Bind
				}
				return in
			},
			answers: func(int, model.DirIn) []model.DirOut {
				return []model.DirOut{{Status: model.DirOK}, {Status: model.DirTaken}, {Status: model.DirRefused}, {Status: model.DirSelf}}
			},
			told:    func(int, model.DirIn, model.DirOut) {},
			returns: func(model.DirIn) bool { return false },
		}
		for _, op := range g.run(src, 1+src.Intn(4, "clients"), 3*(1+src.Intn(24, "events"))) {
			op.Client += 4 * port
			h = append(h, op)
		}
	}
	return Directory(), h
}

// mutate changes h in place of a bug: answers, times, and what was recorded.
// Mostly the operations of a client stay one after the other.
func mutate(src scenario.Source, h []exec.Operation) []exec.Operation {
	h = slices.Clone(h)
	for range src.Intn(8, "mutations") {
		if len(h) == 0 {
			break
		}
		i, j := src.Intn(len(h), "operation"), src.Intn(len(h), "other")
		from, to := room(h, i)
		if src.Intn(16, "overlap") == 15 {
			from, to = 0, math.MaxInt64
		}
		switch a, b := &h[i], &h[j]; src.Intn(9, "mutation") {
		case 0: // the answers of two operations are swapped
			if !a.Pending && !b.Pending && alike(a, b) {
				a.Output, b.Output = b.Output, a.Output
			}
		case 1, 2: // it answers something else
			if !a.Pending {
				a.Output = wrongAnswer(src, a.Input, a.Output)
			}
		case 3, 4: // it returns about when another is called or returns
			if !a.Pending {
				a.Return = max(a.Call+1, min(nextTo(src, b), to-1))
			}
		case 5: // it is called then
			a.Call = min(a.Return-1, max(nextTo(src, b), from+1))
		case 6: // it is not recorded
			h = slices.Delete(h, i, i+1)
		case 7: // it never returned
			if to == math.MaxInt64 {
				a.Pending, a.Output, a.Return = true, nil, math.MaxInt64
			}
		case 8: // it was another call
			if src.Intn(4, "input") == 3 {
				a.Input = b.Input
			}
		}
	}
	slices.SortFunc(h, func(a, b exec.Operation) int { return cmp.Compare(a.Call, b.Call) })
	if src.Intn(4, "restate") != 3 {
		restate(h)
	}
	return h
}

// restate makes the positions in a history of a byte queue follow from the
// answers again, so that not every mutation shows there.
func restate(h []exec.Operation) {
	at := map[bool]int{}
	for i := range h {
		in, ok := h[i].Input.(model.ByteIn)
		if !ok {
			return
		}
		side := in.Op.Producer()
		if in.Op != model.Peek || in.At < at[side] {
			in.At = at[side]
		}
		if out, ok := h[i].Output.(model.ByteOut); ok && in.Op != model.Peek {
			at[side] += out.N
		}
		h[i].Input = in
	}
}

// room returns the time between the operations of the same client before and
// after h[i].
func room(h []exec.Operation, i int) (from, to int64) {
	to = math.MaxInt64
	for j := range h {
		if j == i || h[j].Client != h[i].Client {
			continue
		}
		if h[j].Call < h[i].Call {
			from = max(from, h[j].Return)
		} else {
			to = min(to, h[j].Call)
		}
	}
	return from, to
}

func nextTo(src scenario.Source, o *exec.Operation) int64 {
	t := o.Call
	if !o.Pending && src.Intn(2, "return") == 1 {
		t = o.Return
	}
	return t + int64(src.Intn(3, "delta")) - 1
}

// wrongAnswer returns another answer to in, mostly one of the right kind.
func wrongAnswer(src scenario.Source, in, out any) any {
	switch out := out.(type) {
	case model.ByteOut:
		out.N += src.Intn(3, "n") - 1
		if src.Intn(16, "range") != 15 {
			out.N = max(0, min(out.N, in.(model.ByteIn).N))
		}
		out.Bad = src.Intn(16, "bad") == 15
		return out
	case model.EventOut:
		post := in.(model.EventIn).Op == model.Post
		switch {
		case src.Intn(16, "nonsense") == 15:
			return model.EventOut{Status: model.Exhausted}
		case src.Intn(2, "none") == 1 && post:
			return model.EventOut{Status: model.Full}
		case post:
			return model.EventOut{}
		case src.Intn(2, "none") == 1:
			return model.EventOut{Status: model.Empty}
		}
		return model.EventOut{V: 2 + uint64(src.Intn(5, "v"))}
	case model.RangeOut:
		alloc := in.(model.RangeIn).Op == model.Alloc
		switch {
		case src.Intn(16, "nonsense") == 15:
			return model.RangeOut{Status: model.Full}
		case src.Intn(8, "none") == 7 && alloc:
			return model.RangeOut{Status: model.Exhausted}
		case alloc:
			return model.RangeOut{Off: 64 + uint64(src.Intn(testArena, "off")), Len: in.(model.RangeIn).N}
		case out.Status == model.OK:
			return model.RangeOut{Status: model.NotAllocated}
		}
		return model.RangeOut{}
	case model.DirOut:
		return model.DirOut{Status: model.DirStatus(src.Intn(4, "status"))}
	}
	panic("unknown answer")
}

// alike says whether two operations are calls of the same method.
func alike(a, b *exec.Operation) bool {
	switch in := a.Input.(type) {
	case model.ByteIn:
		return in.Op == b.Input.(model.ByteIn).Op
	case model.EventIn:
		return in.Op == b.Input.(model.EventIn).Op
	case model.RangeIn:
		return in.Op == b.Input.(model.RangeIn).Op
	case model.DirIn:
		return in.Op == b.Input.(model.DirIn).Op
	}
	panic("unknown input")
}
