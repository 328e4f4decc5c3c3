package catalog_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"cutthrough/model/catalog"
	"cutthrough/model/check"
)

// relay is a token that goes around among three and must never be lost. The
// variant "drop" loses it, "idle" keeps it.
type relay struct {
	laps     byte
	variants catalog.Set
}

// baton is the process that has the token (3: none) and how often the token was passed on.
type baton [2]byte

var mistakes = []catalog.Variant{
	{Name: "drop", Row: "-", Property: "a process has it", Config: "one", Doc: "the last one drops it"},
	{Name: "idle", Row: "-", Property: "it comes home", Config: "one", Doc: "the last one keeps it"},
}

func newRelay(laps byte, variants ...string) (relay, error) {
	set, err := catalog.Select(mistakes, variants)
	if laps == 0 && err == nil {
		err = errors.New("no laps")
	}
	return relay{laps, set}, err
}

var entries = []catalog.Entry{
	catalog.Of("relay", "a token goes around", []catalog.Config[byte]{
		{Name: "one", Doc: "once", Value: 1}, {Name: "two", Doc: "twice", Value: 2}, {Name: "none", Value: 0},
	}, mistakes, newRelay),
	catalog.Of("other", "another", []catalog.Config[byte]{{Name: "only", Value: 1}}, nil, newRelay),
}

func (r relay) Name() string      { return "relay" + r.variants.String() }
func (r relay) Actions() []string { return []string{"pass", "drop"} }
func (r relay) Columns() []string { return []string{"a", "b", "c"} }
func (r relay) Init() []baton     { return []baton{{}} }

func (r relay) Next(s baton, emit func(int, baton)) {
	last := s[0] == 2
	switch {
	case s[0] == 3 || s[1] == 3*r.laps:
	case last && r.variants.Has(1):
	case last && r.variants.Has(0):
		emit(1, baton{3, s[1]})
	default:
		emit(0, baton{(s[0] + 1) % 3, s[1] + 1})
	}
}

func (r relay) Properties() []check.Property[baton] {
	return []check.Property[baton]{
		check.Invariant("a process has it", func(s baton) bool { return s[0] < 3 }),
		check.LeadsTo("it comes home", func(s baton) bool { return s[0] == 1 },
			func(s baton) bool { return s[0] == 0 }, check.Fair{0}),
	}
}

func (r relay) Describe(s baton) string { return "passed " + string('0'+s[1]) }

func (r relay) Lines(s baton, action int, t baton) []catalog.Line {
	if action == 1 {
		return []catalog.Line{catalog.At(2, "drop")}
	}
	return []catalog.Line{
		catalog.Arrow(int(s[0]), int(t[0]), "pass"),
		catalog.At(int(t[0]), "take"),
	}
}

func run(t *testing.T, config string, variants ...string) *catalog.Report {
	t.Helper()
	r, err := entries[0].Run(context.Background(), config, variants, check.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReport(t *testing.T) {
	r := run(t, "two")
	if r.Verdict != check.Holds || !r.Complete || r.Stats.Distinct != 7 || len(r.Untaken) != 1 {
		t.Errorf("%+v", r)
	}
	r = run(t, "one", "drop")
	if r.Model != "relay with drop" || r.Verdict != check.Violated || r.Complete {
		t.Errorf("%+v", r)
	}
	if _, ok := r.Outcome("no such thing"); ok {
		t.Error("there is an outcome of a property that does not exist")
	}
	text, err := json.Marshal(r)
	for _, want := range []string{`"verdict":"violated"`, `"property":"a process has it"`, `"action":"drop"`} {
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s: %v", want, text, err)
		}
	}
}

func TestChart(t *testing.T) {
	want := map[string]string{
		"drop": `
step  a       b       c
   1  pass ───▶       ·
      ·       take    ·
   2  ·       pass ───▶
      ·       ·       take
   3  ·       ·       drop
      passed 2`,
		"idle": `
step  a       b       c
   1  pass ───▶       ·
      ·       take    ·
   2  ·       pass ───▶
      ·       ·       take
      and nothing more
      passed 2`,
	}
	for _, v := range mistakes {
		r := run(t, v.Config, v.Name)
		o, ok := r.Outcome(v.Property)
		if !ok || o.Verdict != "violated" {
			t.Fatalf("%s: %+v", v.Name, r)
		}
		if have := "\n" + strings.Join(o.Run.Chart(), "\n"); have != want[v.Name] {
			t.Errorf("%s: %s", v.Name, have)
		}
	}
}

// TestChartArrows draws what the relay does not have: arrows to the left and over
// others, wide columns, and a cycle.
func TestChartArrows(t *testing.T) {
	r := catalog.Run{
		Columns: []string{"client", "layer", "server"},
		Initial: "start",
		Steps:   []catalog.Step{{Action: "x", State: "middle", Lines: []catalog.Line{catalog.Arrow(0, 2, "call")}}},
		Cycle: []catalog.Step{
			{Action: "y", State: "middle", Lines: []catalog.Line{catalog.Arrow(2, 0, "a long answer"), catalog.Arrow(1, 0, "so")}},
		},
	}
	want := `
step  client  layer  server
   1  call ──────────▶
      and then, for ever:
   2  ◀───────────── a long answer
      ◀────── so     ·
      middle`
	if have := "\n" + strings.Join(r.Chart(), "\n"); have != want {
		t.Error(have)
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]string{"relay": "one", "relay/two": "two", "other": "only"} {
		if e, config, err := catalog.Find(entries, name); err != nil || config != want || !strings.HasPrefix(name, e.Name) {
			t.Errorf("%s: %s/%s, %v", name, e.Name, config, err)
		}
	}
	for name, list := range map[string]string{"rely": "relay, other", "relay/three": "one, two, none", "": "relay, other"} {
		if _, _, err := catalog.Find(entries, name); !errors.Is(err, catalog.ErrUnknown) || !strings.Contains(err.Error(), list) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, bad := range []struct{ config, variant, list string }{
		{"three", "drop", "one, two, none"},
		{"one", "dorp", "drop, idle"},
	} {
		_, err := entries[0].New(bad.config, []string{bad.variant})
		if !errors.Is(err, catalog.ErrUnknown) || !strings.Contains(err.Error(), bad.list) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if _, err := entries[0].Run(context.Background(), "none", nil, check.Options{}); err == nil || !strings.Contains(err.Error(), "relay/none: no laps") {
		t.Errorf("a configuration that the model refuses: %v", err)
	}
}

func TestSearch(t *testing.T) {
	m, err := entries[0].New("two", []string{"idle", "drop", "idle"})
	if err != nil || m.Name() != "relay with drop, idle" {
		t.Fatal(m, err)
	}
	s, err := m.Search(check.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Level(context.Background())
	file := filepath.Join(t.TempDir(), "checkpoint")
	if err := s.SaveFile(file); err != nil {
		t.Fatal(err)
	}
	if s, err = m.Load(file, check.Options{}); err != nil {
		t.Fatal(err)
	}
	for s.Level(context.Background()) {
	}
	r, err := s.Report(context.Background())
	if err != nil || !r.Complete || r.Stats.Distinct != 3 {
		t.Errorf("%+v, %v", r, err)
	}
	if other, err := entries[0].New("two", nil); err != nil {
		t.Error(err)
	} else if _, err := other.Load(file, check.Options{}); !errors.Is(err, check.ErrCheckpoint) {
		t.Errorf("a checkpoint of another model: %v", err)
	}
}
