package model

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestEventQueueAgainstSlice plays random calls with random answers against a
// slice.
func TestEventQueueAgainstSlice(t *testing.T) {
	var legal, illegal [8]int // by operation and status
	againstOracle(t, func(t rapid.TB, intn draw) {
		spec := EventQueue{Capacity: 1 + intn(3, "capacity")}
		s, queue := spec.Init(), []uint64{}
		for range 1 + intn(30, "steps") {
			in := EventIn{Op: EventOp(intn(2, "op"))}
			out := EventOut{Status: Status(intn(3, "status"))}
			var want bool
			switch {
			case in.Op == Post:
				in.V = 1 + uint64(intn(4, "v"))
				full := len(queue) == spec.Capacity
				want = out.Status == OK && !full || out.Status == Full && full
			case out.Status == OK:
				out.V = 1 + uint64(intn(4, "v"))
				want = len(queue) > 0 && queue[0] == out.V
			default:
				want = out.Status == Empty && len(queue) == 0
			}
			next, ok := spec.Step(s, in, out)
			if ok != want {
				t.Fatalf("in %v: %v -> %v: legal %v, want %v", s, in, out, ok, want)
			}
			if !ok {
				illegal[4*int(in.Op)+int(out.Status)]++
				continue
			}
			legal[4*int(in.Op)+int(out.Status)]++
			s = next
			if out.Status == OK && in.Op == Post {
				queue = append(queue, in.V)
			} else if out.Status == OK {
				queue = queue[1:]
			}
			if s.Len() != len(queue) {
				t.Fatalf("%v, want %v", s, queue)
			}
		}
	})
	for _, i := range []int{int(OK), int(Full), 4 + int(OK), 4 + int(Empty)} {
		if legal[i] == 0 || illegal[i] == 0 {
			t.Errorf("operation %d: %d legal, %d illegal answers", i, legal[i], illegal[i])
		}
	}
}

func TestEventQueueCrash(t *testing.T) {
	q := EventQueue{Capacity: 2}
	var none EventState
	one := none.push(7)
	two := one.push(9)
	for _, c := range []struct {
		s    EventState
		in   EventIn
		want []EventState
	}{
		{none, EventIn{Op: Poll}, []EventState{none}},
		{one, EventIn{Op: Poll}, []EventState{one, none}},
		{one, EventIn{Op: Post, V: 9}, []EventState{one, two}},
		{two, EventIn{Op: Post, V: 11}, []EventState{two}},
	} {
		if got := q.Crash(c.s, c.in); !slices.Equal(got, c.want) {
			t.Errorf("%v pending in %v leaves %v, want %v", c.in, c.s, got, c.want)
		}
	}
}
