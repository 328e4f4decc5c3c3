// Package catalogtest holds the tests that every model of the catalog must pass.
package catalogtest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cutthrough/model/catalog"
	"cutthrough/model/check"
)

// Pin is how many states a configuration has. A change of any of them is a change of
// what is checked.
type Pin struct {
	Config    string
	States    uint64 // 0 if it is searched up to symmetry only
	Symmetric uint64 // up to symmetry; 0 if nothing is interchangeable
}

// Holds checks that the model as it is satisfies everything in every pinned
// configuration, that every action is taken, and how many states there are.
func Holds(t *testing.T, e catalog.Entry, pins []Pin) {
	for _, pin := range pins {
		t.Run(pin.Config, func(t *testing.T) {
			if pin.States != 0 {
				holds(t, e, pin.Config, pin.States, check.Options{})
			}
			if pin.Symmetric != 0 {
				holds(t, e, pin.Config, pin.Symmetric, check.Options{Symmetry: true})
			}
		})
	}
}

func holds(t *testing.T, e catalog.Entry, config string, states uint64, o check.Options) {
	t.Helper()
	r, err := e.Run(context.Background(), config, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Symmetry != o.Symmetry {
		t.Errorf("symmetry %v, want %v", r.Symmetry, o.Symmetry)
	}
	if r.Stats.Distinct != states {
		t.Errorf("%d states, want %d (symmetry %v)", r.Stats.Distinct, states, o.Symmetry)
	}
	// Of what is interchangeable, one is the first to do most things.
	if r.Verdict == check.Holds && r.Complete && (o.Symmetry || len(r.Untaken) == 0) {
		return
	}
	t.Error(r.Text)
	for _, o := range r.Outcomes {
		if o.Run != nil {
			t.Errorf("%s: %s\n%s", o.Property, o.Verdict, strings.Join(o.Run.Chart(), "\n"))
		}
	}
}

// Symmetric is a model with symmetries.
type Symmetric[S comparable] interface {
	check.Model[S]
	check.Symmetric[S]
}

// Orbits checks that a search up to symmetry sees one of each set of equivalent states:
// as many as the states have representatives, each of which represents itself.
func Orbits[S comparable](t *testing.T, m Symmetric[S]) {
	t.Helper()
	todo := m.Init()
	seen := make(map[S]bool)
	orbits := make(map[S]bool)
	for len(todo) > 0 {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[s] {
			continue
		}
		seen[s] = true
		c := m.Canonical(s)
		if again := m.Canonical(c); again != c {
			t.Fatalf("%v represents %v, which is represented by %v", c, s, again)
		}
		orbits[c] = true
		m.Next(s, func(_ int, next S) { todo = append(todo, next) })
	}
	r, err := check.Run(context.Background(), m, check.Options{Symmetry: true})
	if err != nil || r.Stats.Distinct != uint64(len(orbits)) {
		t.Errorf("%d states in %d orbits, %d found, %v", len(seen), len(orbits), r.Stats.Distinct, err)
	}
}

// Violated checks that each variant violates its property, by a run of the given
// number of steps, and that the chart of the run is the one in testdata, or is
// from now on if update is true.
func Violated(t *testing.T, e catalog.Entry, steps map[string]int, update bool) {
	var names []string
	for _, v := range e.Variants {
		names = append(names, v.Name)
		t.Run(v.Name, func(t *testing.T) { violated(t, e, v, steps[v.Name], update) })
	}
	slices.Sort(names)
	if pinned := slices.Sorted(maps.Keys(steps)); !slices.Equal(names, pinned) {
		t.Errorf("variants %v, lengths are pinned of %v", names, pinned)
	}
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) != len(names) {
		t.Errorf("%d files in testdata for %d variants: %v", len(files), len(names), err)
	}
}

func violated(t *testing.T, e catalog.Entry, v catalog.Variant, want int, update bool) {
	var r *catalog.Report
	var o catalog.Outcome
	for _, goOn := range []bool{false, true} { // what is violated first may be something else
		var err error
		r, err = e.Run(context.Background(), v.Config, []string{v.Name}, check.Options{KeepGoing: goOn})
		if err != nil {
			t.Fatal(err)
		}
		if o, _ = r.Outcome(v.Property); o.Verdict == check.Violated.String() {
			break
		}
	}
	if o.Verdict != check.Violated.String() {
		t.Fatalf("%q is not violated:\n%s", v.Property, r.Text)
	}
	have := fmt.Sprintf("model     %s\nrow       %s\nproperty  %s\nmistake   %s\n", r.Model, v.Row, v.Property, v.Doc)
	if o.Run != nil {
		have += "\n" + strings.Join(o.Run.Chart(), "\n") + "\n"
		if n := len(o.Run.Steps) + len(o.Run.Cycle); n != want {
			t.Errorf("%d steps, want %d", n, want)
		}
	} else if want != 0 {
		t.Errorf("no run, want %d steps", want)
	}
	golden(t, filepath.Join("testdata", v.Name+".txt"), have, update)
}

func golden(t *testing.T, file, have string, update bool) {
	t.Helper()
	if update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(have), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (-update writes it)", err)
	}
	if string(want) != have {
		t.Errorf("%s differs (-update writes it); now it is\n%s", file, have)
	}
}
