package scenario

import (
	"fmt"
	"slices"
	"testing"
)

// TestWorkloads: each workload comes up once, and processes that differ in their names alone change places in none.
func TestWorkloads(t *testing.T) {
	all := func(most int, menus ...Menu) (got []string) {
		for n := range most + 1 {
			for w := range Workloads(n, menus) {
				got = append(got, fmt.Sprint(w))
			}
		}
		return got
	}
	ab := []any{"a", "b"}
	for _, tt := range []struct {
		got, want []string
	}{
		{all(2, Menu{Ops: ab}), []string{"[[]]", "[[0]]", "[[1]]", "[[0 0]]", "[[0 1]]", "[[1 0]]", "[[1 1]]"}},
		{all(2, Menu{Ops: ab, Min: 1}, Menu{Ops: ab[:1]}), []string{"[[0] []]", "[[1] []]", "[[0] [0]]", "[[0 0] []]", "[[0 1] []]", "[[1] [0]]", "[[1 0] []]", "[[1 1] []]"}},
		{all(2, Menu{Ops: ab, Min: 1}, Menu{Ops: ab, Min: 1, Like: true}), []string{"[[0] [0]]", "[[0] [1]]", "[[1] [1]]"}},
		{all(0, Menu{Ops: ab, Min: 1}), nil},
	} {
		if !slices.Equal(tt.got, tt.want) {
			t.Errorf("got  %q\nwant %q", tt.got, tt.want)
		}
	}
	for range Workloads(3, []Menu{{Ops: ab}}) {
		break // it may end early
	}
}
