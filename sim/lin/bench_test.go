package lin

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"cutthrough/model"
	"cutthrough/sim/exec"
	"cutthrough/sim/scenario"
)

// A largeCase is a kind of history of any length, legal, and what makes it
// illegal near its end.
type largeCase struct {
	name  string
	make  func(n int) (*Checker, []exec.Operation)
	spoil func(h []exec.Operation)
}

var largeCases = []largeCase{
	{"ByteQueue", largeBytes, spoilBytes},
	{"EventQueue", largeEvents, spoilEvents},
	{"Ranges", largeRanges, spoilRanges},
}

// complete draws a history of about n operations, none of them pending.
func complete[S comparable, I, O any](g *histGen[S, I, O], seed uint64, clients, n int) []exec.Operation {
	const events = 3 // of an operation: call, effect, return
	h := g.run(immortalSource{scenario.RandSource{R: scenario.NewRand(seed)}}, clients, events*n)
	return slices.DeleteFunc(h, func(o exec.Operation) bool { return o.Pending })
}

// immortalSource is a source of a generator whose clients are never killed.
type immortalSource struct{ scenario.Source }

func (s immortalSource) Intn(n int, label string) int {
	if label == "kill" {
		return 0
	}
	return s.Source.Intn(n, label)
}

// largeBytes is a producer and a consumer over a fifo of 64 bytes.
func largeBytes(n int) (*Checker, []exec.Operation) {
	var at [2]int
	spec := model.ByteQueue{Capacity: 64}
	g := histGen[model.ByteState, model.ByteIn, model.ByteOut]{
		spec: spec,
		call: func(src scenario.Source, c int, _ model.ByteState) model.ByteIn {
			if src.Intn(4, "flush") == 0 {
				return model.ByteIn{Op: []model.ByteOp{model.Publish, model.Release}[c], At: at[c]}
			}
			return model.ByteIn{Op: []model.ByteOp{model.Enqueue, model.Dequeue}[c], N: 1 + src.Intn(32, "n"), At: at[c]}
		},
		answers: func(s model.ByteState, in model.ByteIn) (outs []model.ByteOut) {
			for n := in.N; n >= 0; n-- {
				if _, ok := spec.Step(s, in, model.ByteOut{N: n}); ok {
					return []model.ByteOut{{N: n}}
				}
			}
			return nil
		},
		told:    func(c int, _ model.ByteIn, out model.ByteOut) { at[c] += out.N },
		returns: func(model.ByteIn) bool { return true },
	}
	return ByteQueue(spec.Capacity), complete(&g, 1, 2, n)
}

// spoilBytes delays the producer, so that the last bytes were dequeued before
// they were enqueued.
func spoilBytes(h []exec.Operation) {
	end, until := 0, int64(0)
	for _, o := range h {
		if in := o.Input.(model.ByteIn); in.Op == model.Dequeue && o.Output.(model.ByteOut).N > 0 {
			end, until = in.At+o.Output.(model.ByteOut).N, o.Return
		}
	}
	delay := int64(0)
	for i := range h {
		in := h[i].Input.(model.ByteIn)
		if in.Op == model.Enqueue && delay == 0 && in.At+h[i].Output.(model.ByteOut).N >= end {
			delay = until - h[i].Call + 1
		}
		if in.Op.Producer() {
			h[i].Call, h[i].Return = h[i].Call+delay, h[i].Return+delay
		}
	}
}

// largeEvents is three producers and a consumer that is slower than they are,
// over an event queue of 16.
func largeEvents(n int) (*Checker, []exec.Operation) {
	next, queue := uint64(0), []uint64(nil)
	spec := model.EventQueue{Capacity: 16}
	g := histGen[model.EventState, model.EventIn, model.EventOut]{
		spec: spec,
		call: func(_ scenario.Source, c int, _ model.EventState) model.EventIn {
			if c == 0 {
				return model.EventIn{Op: model.Poll}
			}
			next++
			return model.EventIn{Op: model.Post, V: next}
		},
		answers: func(_ model.EventState, in model.EventIn) []model.EventOut {
			switch {
			case in.Op == model.Post && len(queue) == spec.Capacity:
				return []model.EventOut{{Status: model.Full}}
			case in.Op == model.Post:
				queue = append(queue, in.V)
				return []model.EventOut{{}}
			case len(queue) == 0:
				return []model.EventOut{{Status: model.Empty}}
			}
			v := queue[0]
			queue = queue[1:]
			return []model.EventOut{{V: v}}
		},
		told:    func(int, model.EventIn, model.EventOut) {},
		returns: func(model.EventIn) bool { return true },
	}
	return EventQueue(spec.Capacity), complete(&g, 2, 4, n)
}

// spoilEvents swaps the last two events that were polled ten polls apart.
func spoilEvents(h []exec.Operation) {
	var polls []int
	for i := range h {
		if h[i].Input.(model.EventIn).Op == model.Poll && h[i].Output.(model.EventOut).Status == model.OK {
			polls = append(polls, i)
		}
	}
	a, b := polls[len(polls)-11], polls[len(polls)-1]
	h[a].Output, h[b].Output = h[b].Output, h[a].Output
}

// largeRanges is four clients of an allocator of 64 blocks of 64 bytes, each
// freeing what it allocated.
func largeRanges(n int) (*Checker, []exec.Operation) {
	var free []uint64
	for i := range uint64(64) {
		free = append(free, 4096+64*i)
	}
	var mine [4][]uint64
	spec := model.Ranges{Base: 4096, End: 4096 + 64*64}
	g := histGen[model.RangesState, model.RangeIn, model.RangeOut]{
		spec: spec,
		call: func(src scenario.Source, c int, _ model.RangesState) model.RangeIn {
			if len(mine[c]) == 0 || src.Intn(2, "op") == 0 {
				return model.RangeIn{Op: model.Alloc, N: 1 + uint64(src.Intn(64, "n"))}
			}
			i := src.Intn(len(mine[c]), "which")
			off := mine[c][i]
			mine[c] = slices.Delete(mine[c], i, i+1)
			return model.RangeIn{Op: model.Free, Off: off}
		},
		answers: func(_ model.RangesState, in model.RangeIn) []model.RangeOut {
			switch {
			case in.Op == model.Free:
				free = append(free, in.Off)
				return []model.RangeOut{{}}
			case len(free) == 0:
				return []model.RangeOut{{Status: model.Exhausted}}
			}
			off := free[len(free)-1] // the one freed last: reuse is common
			free = free[:len(free)-1]
			return []model.RangeOut{{Off: off, Len: in.N}}
		},
		told: func(c int, in model.RangeIn, out model.RangeOut) {
			if in.Op == model.Alloc && out.Status == model.OK {
				mine[c] = append(mine[c], out.Off)
			}
		},
		returns: func(model.RangeIn) bool { return true },
	}
	return Ranges(spec), complete(&g, 3, 4, n)
}

// spoilRanges moves the last range allocated onto another that is live.
func spoilRanges(h []exec.Operation) {
	last := -1
	for i := range h {
		if h[i].Input.(model.RangeIn).Op == model.Alloc && h[i].Output.(model.RangeOut).Status == model.OK {
			last = i
		}
	}
	for i := last - 1; i >= 0; i-- {
		out := h[i].Output.(model.RangeOut)
		if out.Len < 2 || h[i].Return >= h[last].Call {
			continue
		}
		freed := slices.ContainsFunc(h, func(o exec.Operation) bool {
			in := o.Input.(model.RangeIn)
			return in.Op == model.Free && in.Off == out.Off && o.Call > h[i].Return
		})
		if !freed {
			h[last].Output = model.RangeOut{Off: out.Off + out.Len - 1, Len: 64}
			return
		}
	}
	panic("nothing is live")
}

// TestLinLarge: long histories are decided without a search, both ways.
func TestLinLarge(t *testing.T) {
	for _, lc := range largeCases {
		for _, n := range []int{100, 1000, 10_000} {
			c, h := lc.make(n)
			if len(h) < n*9/10 {
				t.Fatalf("%s: %d operations, want about %d", lc.name, len(h), n)
			}
			if r := c.Fast(h); r.Verdict != Linearizable {
				t.Errorf("%s, %d operations: %v", lc.name, n, r)
			}
			lc.spoil(h)
			if r := c.Fast(h); r.Verdict != Violation {
				t.Errorf("%s, %d operations, spoiled: %v", lc.name, n, r)
			}
		}
	}
}

// BenchmarkLin compares the two deciders. Search has a budget; where
// it ran out, the unknown metric is 1 and the time means nothing.
func BenchmarkLin(b *testing.B) {
	for _, lc := range largeCases {
		for _, n := range []int{20, 100, 1000, 10_000} {
			for _, spoil := range []bool{false, true} {
				if spoil && n < 100 {
					continue
				}
				c, h := lc.make(n)
				kind, want := "legal", Linearizable
				if spoil {
					lc.spoil(h)
					kind, want = "illegal", Violation
				}
				for _, d := range []struct {
					name   string
					decide func() Result
				}{
					{"fast", func() Result { return c.Fast(h) }},
					{"search", func() Result { return c.Search(h, 300*time.Millisecond) }},
				} {
					b.Run(fmt.Sprintf("%s/%d/%s/%s", lc.name, n, kind, d.name), func(b *testing.B) {
						b.ReportAllocs()
						unknown := 0.0
						for b.Loop() {
							switch r := d.decide(); r.Verdict {
							case Unknown:
								unknown = 1
							case want:
							default:
								b.Fatal(r)
							}
						}
						b.ReportMetric(unknown, "unknown")
					})
				}
			}
		}
	}
}
