package properties

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"cutthrough/model"
	"cutthrough/sim"
	"cutthrough/sim/exec"
)

// precedence is a canonical form of h made the slow way: how many operations
// precede each, how many follow, and what it is. Precedence of intervals is
// determined by these.
func precedence(h []exec.Operation) string {
	var lines []string
	for _, x := range h {
		before, after := 0, 0
		for _, y := range h {
			if y.Return < x.Call {
				before++
			}
			if x.Return < y.Call {
				after++
			}
		}
		lines = append(lines, fmt.Sprintf("%d %d %v %#v %#v", before, after, x.Pending, x.Input, x.Output))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// relabel changes what does not matter: times, clients, and the order of
// neighbouring calls and of neighbouring returns.
func relabel(src sim.Source, h []exec.Operation) []exec.Operation {
	h = slices.Clone(h)
	c := LinCache{}
	c.canonical(h) // leaves the events in order
	now := int64(1000)
	for i, e := range c.events {
		if i > 0 && c.events[i-1].ret != e.ret {
			now += 100
		}
		t := now + int64(src.Intn(90, "jitter"))
		if e.ret {
			h[e.op].Return = t
		} else {
			h[e.op].Call = t
		}
	}
	for i := range h {
		h[i].Client += 7
		j := src.Intn(i+1, "swap")
		h[i], h[j] = h[j], h[i]
	}
	return h
}

// TestLinCacheKey: two histories have the same key exactly when they have the
// same operations in the same precedence.
func TestLinCacheKey(t *testing.T) {
	for _, lc := range linCases {
		t.Run(lc.name, func(t *testing.T) {
			byKey, byOrder := map[string]string{}, map[string]string{}
			same := 0
			add := func(h []exec.Operation) {
				key, order := string(new(LinCache).canonical(h)), precedence(h)
				if other, ok := byKey[key]; ok && other != order {
					t.Fatalf("one key for\n%s\nand\n%s", order, other)
				}
				if other, ok := byOrder[order]; ok {
					if same++; other != key {
						t.Fatalf("two keys for\n%s\n%s", order, text(h))
					}
				}
				byKey[key], byOrder[order] = order, key
			}
			for seed := range uint64(300) {
				src := sim.RandSource{R: sim.NewRand(seed)}
				_, h := lc.draw(src)
				h = mutate(src, h)
				add(h)
				add(relabel(src, h))
				add(mutate(src, h))
			}
			if same < 300 || len(byKey) < 300 {
				t.Errorf("%d keys, %d histories that had been seen", len(byKey), same)
			}
		})
	}
}

// TestLinCache: a history that passed is not checked again, one that did not
// pass is.
func TestLinCache(t *testing.T) {
	checks := 0
	checker := EventQueueChecker(1)
	fast := checker.fast
	checker.fast = func(h []exec.Operation) LinResult {
		checks++
		return fast(h)
	}
	cache := NewLinCache(checker)
	post := func(at int64) exec.Operation {
		return exec.Operation{Call: at, Return: at + 1, Input: model.EventIn{Op: model.Post, V: 7}, Output: model.EventOut{}}
	}
	poll := func(at int64) exec.Operation {
		return exec.Operation{Call: at, Return: at + 1, Input: model.EventIn{Op: model.Poll}, Output: model.EventOut{V: 7}}
	}
	crashed := poll(3)
	crashed.Pending, crashed.Output, crashed.Return = true, nil, math.MaxInt64
	for i, step := range []struct {
		h              []exec.Operation
		want           LinVerdict
		checks         int
		distinct, hits int
	}{
		{[]exec.Operation{post(1), poll(3)}, Linearizable, 1, 1, 0},
		{[]exec.Operation{post(5), poll(9)}, Linearizable, 1, 1, 1},
		{[]exec.Operation{poll(9), post(5)}, Linearizable, 1, 1, 2},
		{[]exec.Operation{post(1), crashed}, Linearizable, 2, 2, 2},
		{[]exec.Operation{poll(1), post(3)}, LinViolation, 3, 2, 2},
		{[]exec.Operation{poll(1), post(3)}, LinViolation, 4, 2, 2},
	} {
		r := cache.Check(step.h, 0)
		distinct, hits := cache.Stats()
		if r.Verdict != step.want || checks != step.checks || distinct != step.distinct || hits != step.hits {
			t.Errorf("step %d: %v after %d checks, %d distinct, %d hits", i, r, checks, distinct, hits)
		}
	}
}
