package lin

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cutthrough/model"
	"cutthrough/sim/exec"
	"cutthrough/sim/scenario"

	"pgregory.net/rapid"
)

// linCases are the objects and how to draw a history of each.
var linCases = []struct {
	name string
	draw func(scenario.Source) (*Checker, []exec.Operation)
}{
	{"ByteQueue", byteHistory},
	{"EventQueue", eventHistory},
	{"Ranges", rangeHistory},
	{"Directory", directoryHistory},
}

// disagree says how Fast and Search contradict each other.
func disagree(c *Checker, h []exec.Operation) (fast, slow Result, contradiction bool) {
	fast, slow = c.Fast(h), c.Search(h, 0)
	return fast, slow, slow.Verdict == Unknown || fast.Verdict != Unknown && fast.Verdict != slow.Verdict
}

// fewest removes operations from h as long as Fast and Search still disagree.
func fewest(c *Checker, h []exec.Operation) []exec.Operation {
	for i := 0; i < len(h); i++ {
		less := slices.Delete(slices.Clone(h), i, i+1)
		if _, _, still := disagree(c, less); still {
			h, i = less, -1
		}
	}
	return h
}

func text(h []exec.Operation) string {
	var b strings.Builder
	for _, o := range h {
		fmt.Fprintln(&b, o)
	}
	return b.String()
}

// TestLinAudit plays the two deciders against each other on small histories,
// legal and mutated, and demands that both verdicts are common, and Unknown
// is not.
func TestLinAudit(t *testing.T) {
	const histories = 4000
	for _, lc := range linCases {
		t.Run(lc.name, func(t *testing.T) {
			count, reasons := [3]int{}, map[string]int{}
			for seed := range uint64(histories) {
				src := scenario.RandSource{R: scenario.NewRand(seed)}
				c, h := lc.draw(src)
				if r := c.Fast(h); r.Verdict == Violation {
					t.Fatalf("seed %d: a correct object: %v\n%s", seed, r, text(h))
				}
				h = mutate(src, h)
				fast, slow, contradiction := disagree(c, h)
				if contradiction {
					t.Fatalf("seed %d: fast says %v, search says %v\n%s", seed, fast, slow, text(fewest(c, h)))
				}
				count[fast.Verdict]++
				found := false
				for _, p := range patterns[lc.name] {
					if strings.Contains(fast.Reason, p) {
						reasons[p]++
						found = true
					}
				}
				if fast.Verdict != Linearizable && !found {
					t.Errorf("seed %d: reason fits no pattern: %v", seed, fast)
				}
			}
			t.Logf("%d linearizable, %d not, %d unknown", count[Linearizable], count[Violation], count[Unknown])
			if count[Linearizable] < histories/4 || count[Violation] < histories/8 || count[Unknown] > histories/5 {
				t.Error("too few of one kind")
			}
			for _, p := range patterns[lc.name] {
				if t.Logf("%5d %s", reasons[p], p); reasons[p] == 0 {
					t.Errorf("never found: %s", p)
				}
			}
		})
	}
}

// patterns are the parts of reasons that tell what was found, per object.
var patterns = map[string][]string{
	"ByteQueue": {
		"are not those of the stream", "out of range", "operations before it end at", "were free from the start",
		"an earlier operation saw", "needs the other side", "begins after the end of", "more than a later operation saw",
		"one side overlap",
	},
	"EventQueue": {
		"no queue answers", "no post of it", "polled before", "must come after", "events are inside", "events were inside",
		"posted twice", "one side overlap", "unless it took an event", "within each other",
	},
	"Ranges": {
		"no allocator", "allocated again", "allocated all the time", "freed more often", "overlaps what is live",
		"called before the alloc", "was exhausted",
	},
	"Directory": {"no order of the", "operations on one object"},
}

// rapidSource draws from rapid, which shrinks what it drew.
type rapidSource struct{ t *rapid.T }

func (s rapidSource) Intn(n int, label string) int { return rapid.IntRange(0, n-1).Draw(s.t, label) }

// TestLinAuditRapid is TestLinAudit with other histories every time.
func TestLinAuditRapid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := rapidSource{t}
		for _, lc := range linCases {
			c, h := lc.draw(src)
			h = mutate(src, h)
			if fast, slow, contradiction := disagree(c, h); contradiction {
				t.Fatalf("%s: fast says %v, search says %v\n%s", lc.name, fast, slow, text(h))
			}
		}
	})
}

// TestLinPartition demands that splitting an allocator's history changes no
// verdict.
func TestLinPartition(t *testing.T) {
	split := 0
	for seed := range uint64(1500) {
		src := scenario.RandSource{R: scenario.NewRand(seed)}
		c, h := rangeHistory(src)
		h = mutate(src, h)
		whole := *c
		whole.slow.partition = nil
		if a, b := c.Search(h, 0), whole.Search(h, 0); a.Verdict != b.Verdict {
			t.Fatalf("seed %d: %v in parts, %v as a whole\n%s", seed, a, b, text(h))
		}
		_, ops := c.slow.prepare(h)
		parts := c.slow.partition(ops)
		n := 0
		for _, p := range parts {
			n += len(p)
		}
		if n != len(ops) {
			t.Fatalf("seed %d: %d operations in parts, of %d", seed, n, len(ops))
		}
		if len(parts) > 2 {
			split++
		}
	}
	if split < 500 {
		t.Errorf("only %d histories had more than two parts", split)
	}
}

// TestLinNotAHistory: what is malformed is unknown, never a pass.
func TestLinNotAHistory(t *testing.T) {
	in, out := model.EventIn{Op: model.Poll}, model.EventOut{Status: model.Empty}
	c := EventQueue(1)
	for _, tc := range []struct {
		name string
		op   exec.Operation
	}{
		{"input of another object", exec.Operation{Call: 1, Return: 2, Input: model.ByteIn{}, Output: out}},
		{"output of another object", exec.Operation{Call: 1, Return: 2, Input: in, Output: model.ByteOut{}}},
		{"no output", exec.Operation{Call: 1, Return: 2, Input: in}},
		{"returned before its call", exec.Operation{Call: 3, Return: 2, Input: in, Output: out}},
		{"pending with an output", exec.Operation{Call: 1, Return: math.MaxInt64, Input: in, Output: out, Pending: true}},
		{"pending with a return", exec.Operation{Call: 1, Return: 2, Input: in, Pending: true}},
	} {
		h := []exec.Operation{tc.op}
		for _, r := range []Result{c.Fast(h), c.Search(h, 0), c.Check(h, 0)} {
			if r.Verdict != Unknown || !strings.Contains(r.Reason, "operation 0") {
				t.Errorf("%s: %v", tc.name, r)
			}
		}
		if err := c.Visualize(h, filepath.Join(t.TempDir(), "page.html"), 0); err == nil {
			t.Errorf("%s: no error from Visualize", tc.name)
		}
	}
	var zero Result
	if zero.Verdict == Linearizable {
		t.Error("the zero result is a pass")
	}
	for r, want := range map[Result]string{
		zero: "unknown", {Linearizable, ""}: "linearizable", {Violation, "why"}: "not linearizable: why",
	} {
		if r.String() != want {
			t.Errorf("%#v prints %q, want %q", r, r, want)
		}
	}
	for _, r := range []Result{c.Fast(nil), c.Search(nil, 0), c.Check(nil, 0)} {
		if r.Verdict != Linearizable {
			t.Errorf("empty history: %v", r)
		}
	}
}

// backlog is a history on which porcupine explodes: n concurrent posts, all
// polled by two consumers, and no legal order.
func backlog(n int) []exec.Operation {
	var h []exec.Operation
	for i := range n {
		h = append(h, exec.Operation{
			Client: i, Call: int64(i), Return: int64(n + i),
			Input: model.EventIn{Op: model.Post, V: uint64(i + 1)}, Output: model.EventOut{},
		})
	}
	for i := range n {
		v := uint64(i + 1)
		if i == n-1 {
			v = 1
		}
		at := int64(2*n + 3*i)
		h = append(h, exec.Operation{
			Client: n + i%2, Call: at, Return: at + 4,
			Input: model.EventIn{Op: model.Poll}, Output: model.EventOut{V: v},
		})
	}
	return h
}

// TestLinBudget: a search that runs out of time does not pass, and Check falls
// back on the search.
func TestLinBudget(t *testing.T) {
	c := EventQueue(100)
	small, large := backlog(3), backlog(60)
	if r := c.Fast(small); r.Verdict != Unknown {
		t.Fatalf("fast decides, so this tests nothing: %v", r)
	}
	if r := c.Check(small, 0); r.Verdict != Violation {
		t.Errorf("small: %v", r)
	}
	if r := c.Check(large, time.Millisecond); r.Verdict != Unknown || !strings.Contains(r.Reason, "1ms") {
		t.Errorf("large: %v", r)
	}
}

func TestLinVisualize(t *testing.T) {
	h := []exec.Operation{
		{Client: 0, Call: 1, Return: 3, Input: model.ByteIn{Op: model.Enqueue, N: 3}, Output: model.ByteOut{N: 3}},
		{Client: 1, Call: 2, Return: math.MaxInt64, Input: model.ByteIn{Op: model.Dequeue, N: 2}, Pending: true},
		{Client: 0, Call: 4, Return: 5, Input: model.ByteIn{Op: model.Enqueue, N: 9, At: 3}, Output: model.ByteOut{N: 9}},
	}
	c := ByteQueue(4)
	if r := c.Check(h, 0); r.Verdict != Violation {
		t.Fatal(r)
	}
	path := filepath.Join(t.TempDir(), "page.html")
	if err := c.Visualize(h, path, 0); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"enqueue 3 at 0 -\\u003e 3", "dequeue 2 at 0 -\\u003e pending", "bytes [0, 3)"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if err := c.Visualize(h, filepath.Join(path, "no", "such"), 0); err == nil {
		t.Error("no error for a path that cannot be")
	}
}

func TestLinConstructors(t *testing.T) {
	for name, f := range map[string]func(){
		"byte queue":  func() { ByteQueue(0) },
		"event queue": func() { EventQueue(0) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s of capacity 0", name)
				}
			}()
			f()
		}()
	}
}
