package lin

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"cutthrough/model"
	"cutthrough/sim/exec"
)

// linExamples are one history for each thing that can be wrong, and its legal
// neighbour.
var linExamples = []struct {
	name    string
	checker *Checker
	history string // operations as "call-return input answer", separated by ";"
	want    Verdict
	reason  string
	search  Verdict // when Fast does not know
}{
	{"bytes", ByteQueue(4), "1-2 enqueue 3 0 3; 3-4 publish 3; 5-6 dequeue 9 0 3", Linearizable, "", 0},
	{"seen before a publish", ByteQueue(4), "1-2 enqueue 3 0 3; 3-4 dequeue 2 0 2", Linearizable, "", 0},
	{"bytes from nowhere", ByteQueue(4), "1-2 dequeue 2 0 2; 3-4 enqueue 3 0 3", Violation, "needs the other side at 2", 0},
	{"not seen after a publish", ByteQueue(4), "1-2 enqueue 3 0 3; 3-4 publish 3; 5-6 dequeue 9 0 0", Violation, "more than a later operation saw", 0},
	{"not seen during a publish", ByteQueue(4), "1-2 enqueue 3 0 3; 3-9 publish 3; 5-6 dequeue 9 0 0", Linearizable, "", 0},
	{"seen and gone", ByteQueue(4), "1-2 enqueue 3 0 3; 3-4 peek 3 0 3; 5-6 dequeue 9 0 1", Violation, "saw bytes up to 3", 0},
	{"wrong bytes", ByteQueue(4), "1-2 enqueue 3 0 3; 3-4 dequeue 2 0 bad", Violation, "not those of the stream", 0},
	{"more than capacity", ByteQueue(4), "1-2 enqueue 3 0 3; 3-4 enqueue 2 3 2", Violation, "needs the other side at 1", 0},
	{"full too early", ByteQueue(4), "1-2 enqueue 5 0 3", Violation, "1 bytes more were free", 0},
	{"full", ByteQueue(4), "1-2 enqueue 5 0 4; 3-4 dequeue 1 0 1; 5-6 enqueue 1 4 0", Linearizable, "", 0},
	{"full after a release", ByteQueue(4), "1-2 enqueue 5 0 4; 3-4 dequeue 1 0 1; 5-6 release 1; 7-8 enqueue 1 4 0", Violation, "more than a later operation saw", 0},
	{"an empty dequeue releases", ByteQueue(2), "1-2 enqueue 2 0 2; 3-4 dequeue 2 0 2; 5-6 dequeue 1 2 0; 7-8 enqueue 1 2 0", Violation, "more than a later operation saw", 0},
	{"a full enqueue publishes", ByteQueue(2), "1-2 enqueue 2 0 2; 3-4 enqueue 1 2 0; 5-6 dequeue 1 0 0", Violation, "more than a later operation saw", 0},
	{"a lost operation", ByteQueue(4), "1-2 enqueue 1 0 1; 3-4 enqueue 1 2 1", Violation, "end at 1", 0},
	{"a crashed enqueue that was seen", ByteQueue(4), "1-? enqueue 3 0; 3-4 dequeue 2 0 2", Linearizable, "", 0},
	{"a crashed enqueue seen too far", ByteQueue(4), "1-? enqueue 1 0; 3-4 dequeue 2 0 2", Violation, "needs the other side at 2", 0},
	{"a crashed dequeue that made room", ByteQueue(2), "1-2 enqueue 2 0 2; 3-? dequeue 2 0; 5-6 enqueue 1 2 1", Linearizable, "", 0},
	{"a crash that comes too late", ByteQueue(2), "1-2 enqueue 2 0 2; 3-4 enqueue 1 2 1; 5-? dequeue 2 0", Violation, "needs the other side at 1", 0},
	{"a crashed enqueue of something else", ByteQueue(4), "1-? enqueue 3 1; 3-4 dequeue 2 0 2", Violation, "needs the other side at 2", 0},
	{"two producers", ByteQueue(4), "1-3 enqueue 1 0 1; 2-4 enqueue 1 0 1", Unknown, "overlap", Violation},

	{"two producers that touch", ByteQueue(4), "1-3 enqueue 1 0 1; 3-5 enqueue 1 1 1", Unknown, "overlap", Linearizable},

	{"events", EventQueue(2), "1-2 post 1 ok; 3-4 post 2 ok; 5-6 poll 1; 7-8 poll 2; 9-10 poll empty", Linearizable, "", 0},
	{"never posted", EventQueue(2), "1-2 post 1 ok; 3-4 poll 2", Violation, "no post of it was accepted", 0},
	{"posted in vain", EventQueue(1), "1-2 post 1 ok; 3-4 post 2 full; 5-6 poll 1; 7-8 poll 2", Violation, "no post of it was accepted", 0},
	{"polled twice", EventQueue(2), "1-2 post 1 ok; 3-4 poll 1; 5-6 poll 1", Violation, "polled before", 0},
	{"polled before it was posted", EventQueue(2), "1-2 poll 1; 3-4 post 1 ok", Violation, "poll -> 1 must come after client 0 [3, 4] post 1 -> ok", 0},
	{"polled while it was posted", EventQueue(2), "1-3 poll 1; 2-4 post 1 ok", Linearizable, "", 0},
	{"out of order", EventQueue(2), "1-2 post 1 ok; 3-4 post 2 ok; 5-6 poll 2; 7-8 poll 1", Violation, "post 1 -> ok must come after client 0 [3, 4] post 2", 0},
	{"overtaken for ever", EventQueue(2), "1-2 post 1 ok; 3-4 post 2 ok; 5-6 poll 2", Violation, "post 1 -> ok must come after", 0},
	{"concurrent posts in any order", EventQueue(2), "1-4 post 1 ok; 3-5 post 2 ok; 6-7 poll 2; 8-9 poll 1", Linearizable, "", 0},
	{"empty though it is not", EventQueue(2), "1-2 post 1 ok; 3-4 poll empty; 5-6 poll 1", Violation, "must come after client 0 [3, 4] poll -> empty", 0},
	{"empty while it is posted", EventQueue(2), "1-9 post 1 ok; 3-4 poll empty; 10-11 poll 1", Linearizable, "", 0},
	{"full though it is not", EventQueue(2), "1-2 post 1 ok; 3-4 post 2 full", Violation, "fewer than 2 events were inside", 0},
	{"full before the second post", EventQueue(2), "1-2 post 1 ok; 3-4 post 2 full; 5-6 post 3 ok", Violation, "fewer than 2 events were inside", 0},
	{"full while the second is posted", EventQueue(2), "1-2 post 1 ok; 3-5 post 2 full; 4-6 post 3 ok", Linearizable, "", 0},
	{"full between two polls", EventQueue(1), "1-2 post 1 ok; 3-6 poll 1; 4-9 post 2 ok; 5-8 post 3 full; 7-10 poll 2", Linearizable, "", 0},
	{"full when the poll returns", EventQueue(1), "1-2 post 1 ok; 3-5 poll 1; 5-6 post 2 full", Linearizable, "", 0},
	{"full though no two were inside at a time", EventQueue(2), "1-2 post 1 ok; 3-12 post 2 full; 4-5 poll 1; 6-7 post 3 ok; 8-9 poll 3", Violation, "fewer than 2 events were inside", 0},
	{"too many", EventQueue(1), "1-2 post 1 ok; 3-4 post 2 ok", Violation, "more than 1 events are inside", 0},
	{"too many until the poll", EventQueue(1), "1-2 post 1 ok; 3-4 post 2 ok; 5-6 poll 1", Violation, "post 2 -> ok must come after client 0 [5, 6] poll -> 1", 0},
	{"a crashed post that was polled", EventQueue(2), "1-? post 1; 2-3 poll 1", Linearizable, "", 0},
	{"a crashed post that was not", EventQueue(2), "1-? post 1; 2-3 poll empty; 4-5 poll empty", Linearizable, "", 0},
	{"a crashed post that filled the queue", EventQueue(1), "1-? post 1; 2-3 post 2 full", Linearizable, "", 0},
	{"a crashed post that filled the queue, and a later one", EventQueue(1), "1-? post 7; 2-3 post 9 full; 4-? post 5", Linearizable, "", 0},
	{"two crashed posts, room for one", EventQueue(1), "1-? post 1; 2-? post 2; 3-4 post 3 full; 5-6 poll 2; 7-8 post 4 ok", Linearizable, "", 0},
	{"a crashed poll that made room", EventQueue(1), "1-2 post 1 ok; 3-? poll; 4-5 post 2 ok", Linearizable, "", 0},
	{"a crashed poll that makes room once", EventQueue(1), "1-2 post 1 ok; 3-? poll; 4-5 post 2 ok; 6-7 post 3 ok", Violation, "more than 1 events are inside", 0},
	{"a crashed poll that took something, and a successor", EventQueue(1), "1-2 post 1 ok; 3-? poll; 4-5 poll empty", Unknown, "unless it took an event", Linearizable},
	{"one event twice", EventQueue(2), "1-2 post 1 ok; 3-4 poll 1; 5-6 post 1 ok; 7-8 poll 1", Unknown, "event 1 is posted twice", Linearizable},
	{"two consumers", EventQueue(2), "1-2 post 1 ok; 3-5 poll 1; 4-6 poll empty", Unknown, "overlap", Linearizable},

	{"ranges", Ranges(model.Ranges{End: 64}), "1-2 alloc 8 0+8; 3-4 alloc 8 8+16; 5-6 free 0 ok; 7-8 alloc 4 4+4; 9-10 free 0 not-allocated", Linearizable, "", 0},
	{"overlap", Ranges(model.Ranges{End: 64}), "1-2 alloc 8 0+8; 3-4 alloc 8 7+8", Violation, "overlaps what is live: client 0 [1, 2] alloc 8 -> [0, 8)", 0},
	{"overlap while it is freed", Ranges(model.Ranges{End: 64}), "1-2 alloc 8 0+8; 3-6 free 0 ok; 4-5 alloc 8 7+8", Linearizable, "", 0},
	{"allocated again when the free is called", Ranges(model.Ranges{End: 64}), "1-2 alloc 8 0+8; 3-5 alloc 8 0+8; 5-6 free 0 ok", Linearizable, "", 0},
	{"not allocated when the free is called", Ranges(model.Ranges{End: 64}), "1-2 alloc 8 0+8; 3-5 free 0 not-allocated; 5-6 free 0 ok", Linearizable, "", 0},
	{"overlap before it is freed", Ranges(model.Ranges{End: 64}), "1-2 alloc 8 0+8; 3-4 alloc 8 7+8; 5-6 free 0 ok", Violation, "overlaps what is live", 0},
	{"allocated twice", Ranges(model.Ranges{End: 64}), "1-2 alloc 8 0+8; 3-4 alloc 8 0+8", Violation, "allocated again before it was freed", 0},
	{"freed twice", Ranges(model.Ranges{End: 64}), "1-2 alloc 8 0+8; 3-4 free 0 ok; 5-6 free 0 ok", Violation, "freed more often than allocated", 0},
	{"freed before it was allocated", Ranges(model.Ranges{End: 64}), "1-2 free 0 ok; 3-4 alloc 8 0+8", Violation, "freed more often than allocated by time 2", 0},
	{"not allocated though it is", Ranges(model.Ranges{End: 64}), "1-2 alloc 8 0+8; 3-4 free 0 not-allocated", Violation, "allocated all the time", 0},
	{"outside the arena", Ranges(model.Ranges{End: 64}), "1-2 alloc 8 60+8", Violation, "no allocator of [0, 64)", 0},
	{"shorter than asked", Ranges(model.Ranges{End: 64}), "1-2 alloc 8 0+7", Violation, "no allocator", 0},
	{"exhausted for no reason", Ranges(model.Ranges{End: 64}), "1-2 alloc 8 exhausted", Linearizable, "", 0},
	{"a crashed free", Ranges(model.Ranges{End: 64}), "1-2 alloc 8 0+8; 3-? free 0; 4-5 alloc 8 0+8", Linearizable, "", 0},
	{"a crashed free that did nothing", Ranges(model.Ranges{End: 64}), "1-2 alloc 8 0+8; 3-? free 0; 4-5 free 0 ok", Unknown, "called before the alloc returned", Linearizable},
	{"freed by a client that guessed", Ranges(model.Ranges{End: 64}), "1-4 alloc 8 0+8; 2-5 free 0 ok", Unknown, "called before the alloc returned", Linearizable},
	{"strict, exhausted for no reason", Ranges(model.Ranges{End: 64, Strict: true}), "1-2 alloc 8 exhausted", Unknown, "exhausted", Violation},
	{"strict, exhausted after a crash", Ranges(model.Ranges{End: 64, Strict: true}), "1-? alloc 64; 3-4 alloc 8 exhausted", Unknown, "exhausted", Linearizable},
}

func TestLinExamples(t *testing.T) {
	for _, x := range linExamples {
		t.Run(x.name, func(t *testing.T) {
			h := parseHistory(t, x.history)
			fast := x.checker.Fast(h)
			if fast.Verdict != x.want || !strings.Contains(fast.Reason, x.reason) || (fast.Reason == "") != (x.reason == "") {
				t.Errorf("fast: %v, want %v: %s", fast, x.want, x.reason)
			}
			want := x.want
			if want == Unknown {
				want = x.search
			}
			for _, r := range []Result{x.checker.Search(h, 0), x.checker.Check(h, 0)} {
				if r.Verdict != want {
					t.Errorf("%v, want %v", r, want)
				}
			}
		})
	}
}

// parseHistory reads the notation of linExamples.
func parseHistory(t *testing.T, text string) (h []exec.Operation) {
	for _, line := range strings.Split(text, ";") {
		f := strings.Fields(line)
		o := exec.Operation{Return: math.MaxInt64}
		call, ret, _ := strings.Cut(f[0], "-")
		o.Call = int64(number(t, call))
		if o.Pending = ret == "?"; !o.Pending {
			o.Return = int64(number(t, ret))
		}
		var answer any
		switch verb, args := f[1], f[2:]; verb {
		case "enqueue", "dequeue", "drop", "peek", "publish", "release":
			o.Input, answer = parseBytes(t, verb, args)
		case "post", "poll":
			o.Input, answer = parseEvent(t, verb, args)
		case "alloc", "free":
			o.Input, answer = parseRange(t, verb, args)
		default:
			t.Fatalf("no operation %q", verb)
		}
		if !o.Pending {
			o.Output = answer
		}
		h = append(h, o)
	}
	return h
}

func number(t *testing.T, text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func parseBytes(t *testing.T, verb string, args []string) (in model.ByteIn, out model.ByteOut) {
	for in.Op.String() != verb {
		in.Op++
	}
	if in.Op == model.Publish || in.Op == model.Release {
		in.At = number(t, args[0])
		return in, out
	}
	in.N, in.At = number(t, args[0]), number(t, args[1])
	switch {
	case len(args) == 3 && args[2] == "bad":
		out = model.ByteOut{N: in.N, Bad: true}
	case len(args) == 3:
		out.N = number(t, args[2])
	}
	return in, out
}

func parseEvent(t *testing.T, verb string, args []string) (in model.EventIn, out model.EventOut) {
	if verb == "post" {
		in.V, args = uint64(number(t, args[0])), args[1:]
	} else {
		in.Op = model.Poll
	}
	switch {
	case len(args) == 0 || args[0] == "ok":
	case args[0] == "full":
		out.Status = model.Full
	case args[0] == "empty":
		out.Status = model.Empty
	default:
		out.V = uint64(number(t, args[0]))
	}
	return in, out
}

func parseRange(t *testing.T, verb string, args []string) (in model.RangeIn, out model.RangeOut) {
	n := uint64(number(t, args[0]))
	if in = (model.RangeIn{Op: model.Free, Off: n}); verb == "alloc" {
		in = model.RangeIn{Op: model.Alloc, N: n}
	}
	switch {
	case len(args) == 1 || args[1] == "ok":
	case args[1] == "exhausted":
		out.Status = model.Exhausted
	case args[1] == "not-allocated":
		out.Status = model.NotAllocated
	default:
		if _, err := fmt.Sscanf(args[1], "%d+%d", &out.Off, &out.Len); err != nil {
			t.Fatal(err)
		}
	}
	return in, out
}
