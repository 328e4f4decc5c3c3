package check_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"cutthrough/model/check"
)

// toy is a model of any type of state, with one initial state and what a test
// gives it.
type toy[S comparable] struct {
	actions []string
	next    func(s S, emit func(int, S))
	props   []check.Property[S]
}

func (toy[S]) Name() string { return "toy" }

func (m toy[S]) Actions() []string { return m.actions }

func (toy[S]) Init() []S { return make([]S, 1) }

func (m toy[S]) Next(s S, emit func(int, S)) {
	if m.next != nil {
		m.next(s, emit)
	}
}

func (m toy[S]) Properties() []check.Property[S] { return m.props }

// wrong checks that a model is refused, and why.
func wrong[S comparable](t *testing.T, m check.Model[S], o check.Options, want string) {
	t.Helper()
	_, err := check.Run(context.Background(), m, o)
	if !errors.Is(err, check.ErrModel) || !strings.Contains(err.Error(), want) {
		t.Errorf("%T: error %v, want %q", m, err, want)
	}
}

// TestEncoding refuses states that cannot be compared byte by byte.
func TestEncoding(t *testing.T) {
	type padded struct {
		A byte
		B uint32
	}
	type tail struct {
		A uint32
		B byte
	}
	type blank struct {
		A byte
		_ byte
	}
	type good struct {
		A [3]int16
		B struct {
			C uint8
			D bool
		}
		E uint64
	}
	wrong(t, toy[string]{}, check.Options{}, "string is not made of integers and booleans")
	wrong(t, toy[*int]{}, check.Options{}, "*int is not made of integers and booleans")
	wrong(t, toy[float64]{}, check.Options{}, "float64 is not made")
	wrong(t, toy[[2]any]{}, check.Options{}, "interface {} is not made")
	wrong(t, toy[padded]{}, check.Options{}, "padded has padding before B")
	wrong(t, toy[tail]{}, check.Options{}, "tail has padding at its end")
	wrong(t, toy[[2]tail]{}, check.Options{}, "tail has padding at its end")
	wrong(t, toy[blank]{}, check.Options{}, "blank field")
	wrong(t, toy[struct{}]{}, check.Options{}, "has no bytes")
	wrong(t, toy[[0]int]{}, check.Options{}, "has no bytes")
	if r, err := check.Run(context.Background(), toy[good]{}, check.Options{}); err != nil || r.Stats.Distinct != 1 {
		t.Errorf("good: %v, error %v", r, err)
	}
}

// TestNondeterministic reports a model that is no function of its arguments as that, also if nothing is violated,
// and whenever it is noticed.
func TestNondeterministic(t *testing.T) {
	calls, from, to := 0, 0, 0
	moody := toy[uint16]{actions: []string{"one", "two"}, next: func(s uint16, emit func(int, uint16)) {
		calls++
		switch {
		case s >= 300:
		case from <= calls && calls < to && calls%2 == 1:
			emit(1, s+2)
			emit(0, s+1)
		default:
			emit(0, s+1)
			emit(1, s+2)
		}
	}}
	o := check.Options{Workers: 1}
	for _, holds := range []func(uint16) bool{
		func(uint16) bool { return true },
		func(s uint16) bool { return s != 300 },
	} {
		moody.props = []check.Property[uint16]{check.Invariant("x", holds)}
		calls, to = 0, 0
		if _, err := check.Run(t.Context(), moody, o); err != nil {
			t.Fatal(err)
		}
		for all := calls; from < all; from += 1 + all/20 {
			calls, to = 0, 1<<30
			if _, err := check.Run(t.Context(), moody, o); !errors.Is(err, check.ErrNondeterministic) || !errors.Is(err, check.ErrModel) {
				t.Errorf("moody from call %d of %d: %v", from, all, err)
			}
		}
		from = 0
	}
	// What a search has found is gone when it is looked for again.
	steps := func(last int) toy[uint16] {
		return toy[uint16]{actions: []string{"one"}, next: func(s uint16, emit func(int, uint16)) {
			if calls++; s < 9 && calls <= last {
				emit(0, s+1)
			}
		}, props: []check.Property[uint16]{check.Invariant("x", func(s uint16) bool { return s < 5 })}}
	}
	for last := range 40 {
		calls = 0
		if _, err := check.Run(t.Context(), steps(last), o); err != nil && !errors.Is(err, check.ErrNondeterministic) {
			t.Errorf("nothing after call %d: %v", last, err)
		}
	}
}

// TestBadModel refuses properties that make no sense.
func TestBadModel(t *testing.T) {
	never := func(byte) bool { return false }
	one := []string{"one"}
	var groups []check.Fair
	for i := range 65 {
		groups = append(groups, make(check.Fair, i+1))
	}
	for want, m := range map[string]toy[byte]{
		"not unique":             {props: []check.Property[byte]{check.Reachable("x", never), check.Invariant("x", never)}},
		"is empty":               {props: []check.Property[byte]{check.Reachable("", never)}},
		"fairness of action 1 o": {actions: one, props: []check.Property[byte]{check.Inevitable("x", never, check.Each(0, 1)...)}},
		"fairness of no action":  {actions: one, props: []check.Property[byte]{check.Inevitable("x", never, nil)}},
		"more than 64 fair sets": {actions: one, props: []check.Property[byte]{check.Inevitable("x", never, groups...)}},
		"70000 actions":          {actions: make([]string, 70000)},
	} {
		wrong(t, m, check.Options{}, want)
	}
	lost := crowd{program: []instruction{
		{0, instant{0, 0}, instant{1, 1}}, {0, instant{0, 1}, instant{1, 2}},
		{0, instant{0, 2}, instant{1, 3}}, {0, instant{0, 3}, instant{1, 4}},
	}, bad: instant{0, 4}, blind: true}
	wrong(t, lost, check.Options{Symmetry: true}, "Canonical is not a symmetry")
	lost.bad = instant{0, 3}
	wrong(t, lost, check.Options{Symmetry: true}, `property "always" is not the same for equivalent states`)
}

// TestUntaken reports the action whose guard is never true.
func TestUntaken(t *testing.T) {
	m := toy[byte]{actions: []string{"up", "sideways", "down"}, next: func(s byte, emit func(int, byte)) {
		if s < 9 {
			emit(0, s+1)
		}
		if s > 9 {
			emit(1, s)
		}
		if s > 0 {
			emit(2, s-1)
		}
	}}
	r, err := check.Run(context.Background(), m, check.Options{})
	if err != nil || strings.Join(r.Untaken(), " ") != "sideways" || r.Verdict != check.Holds {
		t.Errorf("untaken %v, error %v\n%v", r.Untaken(), err, r)
	}
}

// TestReport pins what a result looks like.
func TestReport(t *testing.T) {
	m := toy[byte]{actions: []string{"up", "skip", "wrap"}, next: func(s byte, emit func(int, byte)) {
		if s < 3 {
			emit(0, s+1)
		} else {
			emit(2, 1)
		}
	}, props: []check.Property[byte]{
		check.Invariant("below three", func(s byte) bool { return s < 3 }),
		check.Reachable("seven", func(s byte) bool { return s == 7 }),
		check.LeadsTo("two comes back to zero", func(s byte) bool { return s == 2 }, func(s byte) bool { return s == 0 }, check.Each(0, 2)...),
		check.LeadsTo("two goes on", func(s byte) bool { return s == 2 }, func(s byte) bool { return s == 3 }),
		check.NoDeadlock[byte]("no deadlock", nil),
	}}
	r, err := check.Run(context.Background(), m, check.Options{KeepGoing: true})
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(r.String(), "collision 4.3e-19\n")
	const want = `always      violated    below three
sometimes   violated    seven
eventually  violated    two comes back to zero
eventually  violated    two goes on
deadlock    holds       no deadlock
never taken: skip

below three: violated
    0  init                  0
    1  up                    1
    2  up                    2
    3  up                    3

two comes back to zero: violated
    0  init                  0
    1  up                    1
    2  up                    2
       and then for ever
    3  up                    3
    4  wrap                  1
    5  up                    2

two goes on: violated
    0  init                  0
    1  up                    1
    2  up                    2
       and stops
`
	if rest != want {
		t.Errorf("report:\n%s", r)
	}
}
