package monitor_test

import (
	"slices"
	"strconv"
	"testing"

	"cutthrough/model/monitor"
)

// counter is a number that hidden steps raise, one at a time up to top. An event says what it
// is.
func counter(top, limit int) monitor.Machine[int, int] {
	return monitor.Machine[int, int]{
		Hidden: func(s int, emit func(int)) {
			if s < top {
				emit(s + 1)
				emit(s + 1) // twice is once
			}
		},
		Step: func(s, e int, emit func(int)) {
			if s == e {
				emit(s)
			}
		},
		Allowed: func(s int) []string { return []string{strconv.Itoa(s), "any"} },
		Limit:   limit,
	}
}

func TestVerdicts(t *testing.T) {
	for name, c := range map[string]struct {
		top, limit int
		events     []int
		want       string
		verdict    monitor.Verdict
	}{
		"nothing":          {3, 9, nil, "accepted, 0 events", monitor.Accepted},
		"no hidden step":   {3, 9, []int{0, 0}, "accepted, 2 events", monitor.Accepted},
		"chains of them":   {3, 9, []int{0, 2, 3, 3}, "accepted, 4 events", monitor.Accepted},
		"not backwards":    {3, 9, []int{2, 1}, "rejected at event 1, allowed: 2, 3, any", monitor.Rejected},
		"beyond the top":   {3, 9, []int{4}, "rejected at event 0, allowed: 0, 1, 2, 3, any", monitor.Rejected},
		"for ever":         {3, 9, []int{4, 0, 1}, "rejected at event 0, allowed: 0, 1, 2, 3, any", monitor.Rejected},
		"just room enough": {3, 4, []int{3}, "accepted, 1 events", monitor.Accepted},
		"no room":          {3, 3, []int{3}, "inconclusive at event 0, more than 3 states", monitor.Inconclusive},
		"still no room":    {3, 3, []int{3, 9, 9}, "inconclusive at event 0, more than 3 states", monitor.Inconclusive},
		"room later":       {5, 4, []int{2}, "inconclusive at event 0, more than 4 states", monitor.Inconclusive},
	} {
		t.Run(name, func(t *testing.T) {
			m := monitor.New(counter(c.top, c.limit), 0)
			v := m.Verdict()
			for _, e := range c.events {
				v = m.Observe(e)
			}
			if m.String() != c.want || v != c.verdict || m.Verdict() != c.verdict {
				t.Errorf("%v (%v, %v), want %v", m, v, m.Verdict(), c.want)
			}
		})
	}
}

// TestFollowsAll checks that every state that is possible counts, also after the event.
func TestFollowsAll(t *testing.T) {
	fork := monitor.Machine[string, rune]{
		Hidden: func(string, func(string)) {},
		Step: func(s string, e rune, emit func(string)) {
			if len(s) < 3 {
				emit(s + string(e))
				emit(s + "?")
			}
		},
		Allowed: func(s string) []string { return []string{s} },
		Limit:   8,
	}
	m := monitor.New(fork, "b", "a")
	for _, e := range "xy" {
		m.Observe(e)
	}
	if len(m.States()) != 8 || m.Verdict() != monitor.Accepted {
		t.Errorf("%q, %v", m.States(), m)
	}
	want := []string{"a?" + "?", "a?y", "ax?", "axy", "b??", "b?y", "bx?", "bxy"}
	if m.Observe('z'); m.Verdict() != monitor.Rejected || !slices.Equal(m.Allowed(), want) {
		t.Errorf("%v, want %v", m.Allowed(), want)
	}
	if m.Events() != 2 {
		t.Errorf("rejected at event %d", m.Events())
	}
	small := fork
	small.Limit = 7
	m = monitor.New(small, "b", "a")
	m.Observe('x')
	if m.Observe('y') != monitor.Inconclusive || m.Events() != 1 { // the step itself needs the room
		t.Errorf("%q, %v", m.States(), m)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, f := range map[string]func(){
		"no room":  func() { monitor.New(counter(1, 0), 0) },
		"no state": func() { monitor.New(counter(1, 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}
