package model

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cutthrough/model/catalog"
	"cutthrough/model/check"
	"cutthrough/model/models"
	"cutthrough/sim/cli"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// walk is a token that goes to the last of some cells and stays there.
type walk struct {
	cells  uint8
	beyond bool // a state of interest lies behind the last cell
	moody  bool // where it goes depends on the weather
	catalog.Set
}

// The variants of walk.
const (
	walkTooFar = iota
	walkStops
	walkInCircles
	walkWhistling
)

func testModel() catalog.Entry {
	configs := []catalog.Config[walk]{
		{Name: "short", Doc: "four cells", Value: walk{cells: 4}},
		{Name: "long", Doc: "a hundred cells", Value: walk{cells: 100}},
		{Name: "beyond", Doc: "four cells, and a step to a fifth", Value: walk{cells: 4, beyond: true}},
		{Name: "moody", Doc: "ten cells, and no function of them", Value: walk{cells: 10, moody: true}},
	}
	variants := []catalog.Variant{
		walkTooFar:    {Name: "too-far", Row: "T1", Property: "S1: inside", Config: "long", Doc: "goes beyond the last cell"},
		walkStops:     {Name: "stops", Row: "T2", Property: "no deadlock", Config: "short", Doc: "stays in the second cell"},
		walkInCircles: {Name: "in-circles", Row: "T3", Property: "L1: arrives", Config: "short", Doc: "goes back from the third cell"},
		walkWhistling: {Name: "whistling", Row: "-", Property: "S1: inside", Config: "short", Doc: "is as good as any"},
	}
	return catalog.Of("test-walk", "a token walks", configs, variants, func(w walk, names ...string) (walk, error) {
		set, err := catalog.Select(variants, names)
		w.Set = set
		return w, err
	})
}

func (w walk) Name() string { return fmt.Sprintf("test-walk cells=%d", w.cells) + w.String() }

func (w walk) Actions() []string { return []string{"go", "go back", "fly"} }

func (w walk) Init() []uint8 { return []uint8{0} }

var weather atomic.Int64

func (w walk) Next(s uint8, emit func(int, uint8)) {
	switch {
	case w.moody && s == 5 && weather.Add(1)%2 == 0:
		emit(2, s+1)
	case w.Has(walkStops) && s == 1, s > w.cells, s == w.cells && !w.Has(walkTooFar):
	case w.Has(walkInCircles) && s == 2:
		emit(1, 1)
	default:
		emit(0, s+1)
	}
}

func (w walk) Properties() []check.Property[uint8] {
	goal := w.cells
	if w.beyond {
		goal++
	}
	return []check.Property[uint8]{
		check.NoDeadlock("no deadlock", func(s uint8) bool { return s >= w.cells }),
		check.Invariant("S1: inside", func(s uint8) bool { return s <= w.cells }),
		check.Reachable("there", func(s uint8) bool { return s == goal }),
		check.Inevitable("L1: arrives", func(s uint8) bool { return s == w.cells }, check.Fair{0, 1}),
	}
}

func (w walk) Describe(s uint8) string { return fmt.Sprintf("in cell %d", s) }

func (w walk) Columns() []string { return []string{"walker"} }

func (w walk) Lines(_ uint8, _ int, t uint8) []catalog.Line {
	return []catalog.Line{catalog.At(0, fmt.Sprintf("-> %d", t))}
}

// A search that is interrupted again and again, and then saved again and again, knows
// in the end what one knows that is left alone.
func TestModelInterruptedAndSavedOften(t *testing.T) {
	a := &command{Invocation: &cli.Invocation{}}
	task := modelTask{entry: testModel(), config: "short"}
	ignore := cmpopts.IgnoreFields(checkedModel{}, "unsaved", "BytesPerState") // it holds less at a time
	want, err := a.checkModel(t.Context(), task, &modelSearch{}, check.Options{})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "c")
	o := &modelSearch{checkpoint: file, saveEvery: 50 * time.Microsecond}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for states := uint64(2); states < 4; states++ { // a level each time
		got, err := a.checkModel(over, task, o, check.Options{})
		if err != nil || got.unsaved != nil {
			t.Fatal(err, got)
		}
		if got.Outcome != interrupted || got.code() != cli.ExitInterrupted || got.States != states {
			t.Fatalf("%s after %d states, exit code %d", got.Outcome, got.States, got.code())
		}
		o.resume = file
	}
	got, err := a.checkModel(t.Context(), task, o, check.Options{})
	if diff := cmp.Diff(want, got, ignore); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if files, err := os.ReadDir(filepath.Dir(file)); err != nil || len(files) != 1 {
		t.Errorf("files left: %v, %v", files, err)
	}
}

// A checkpoint that cannot be written is found out before anything is searched.
func TestModelCheckpointThatCannotBeWritten(t *testing.T) {
	a := &command{Invocation: &cli.Invocation{}}
	o := &modelSearch{checkpoint: filepath.Join(t.TempDir(), "none", "c"), saveEvery: time.Minute}
	if _, err := a.checkModel(t.Context(), modelTask{entry: testModel(), config: "short"}, o, check.Options{}); err == nil {
		t.Error("no error for a directory that is not there")
	}
}

func TestFitEnds(t *testing.T) {
	lines := strings.Split("a b c d e f g h", " ")
	if got := fitEnds(lines, 8); len(got) != 8 {
		t.Errorf("%q", got)
	}
	want := []string{"a", "      … 4 more lines (-v)", "f", "g", "h"}
	if diff := cmp.Diff(want, fitEnds(lines, 5)); diff != "" {
		t.Error(diff)
	}
}

var (
	documented = regexp.MustCompile(`(?m)^\| ([^|]+) \| ([a-z]+) \| ([a-z0-9-]+) \| (\d+) \| (\S+) \| (\S+) \|$`)
	numbered   = regexp.MustCompile(`(?m)^ *(\d+)  `)
)

// variantTable returns the rows of the table in docs/MODEL.md, by model and variant.
func variantTable(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../../../docs/MODEL.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string][]string)
	for _, m := range documented.FindAllStringSubmatch(string(text), -1) {
		rows[m[2]+" "+m[3]] = m
	}
	return rows
}

// The table in docs/MODEL.md has every variant, and says of each what is so.
func TestModelDocument(t *testing.T) {
	rows := variantTable(t)
	for _, e := range models.All() {
		for _, v := range e.Variants {
			row := rows[e.Name+" "+v.Name]
			delete(rows, e.Name+" "+v.Name)
			if row == nil {
				t.Errorf("%s of %s is missing", v.Name, e.Name)
				continue
			}
			chart, err := os.ReadFile(filepath.Join("../../../../model", e.Name, "testdata", v.Name+".txt"))
			if err != nil {
				t.Error(err)
				continue
			}
			steps := numbered.FindAllStringSubmatch(string(chart), -1)
			if row[1] != v.Row || row[4] != steps[len(steps)-1][1] {
				t.Errorf("%s of %s: row %s, %s steps; want row %s, %s steps", v.Name, e.Name, row[1], row[4], v.Row, steps[len(steps)-1][1])
			}
			checkMutantOf(t, v.Name, row[5], row[6])
		}
	}
	for name := range rows {
		t.Errorf("%s is no variant", name)
	}
}

var hole = regexp.MustCompile(`(?m)^\| (H-\d+b?) \| ([a-z0-9, -]+) \|(.*) \|$`)

// The table in docs/MODEL.md has every hole of the ancestor, with all variants that have it, or with
// the reason why there is none.
func TestHolesDocument(t *testing.T) {
	text, err := os.ReadFile("../../../../docs/MODEL.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n## Holes\n")
	var holes []string
	variants := make(map[string][]string) // by hole
	for _, m := range hole.FindAllStringSubmatch(table, -1) {
		holes = append(holes, m[1])
		if m[2] != "-" {
			variants[m[1]] = strings.Split(m[2], ", ")
		} else if strings.TrimSpace(m[3]) == "" {
			t.Errorf("%s has no variant, and no reason", m[1])
		}
	}
	want := []string{"H-01", "H-02", "H-03", "H-03b"}
	for i := 4; i <= 35; i++ {
		want = append(want, fmt.Sprintf("H-%02d", i))
	}
	if diff := cmp.Diff(want, holes); diff != "" {
		t.Error(diff)
	}
	exists := make(map[string]bool)
	for _, e := range models.All() {
		for _, v := range e.Variants {
			name := e.Name + " " + v.Name
			exists[name] = true
			if strings.HasPrefix(v.Row, "H-") && !slices.Contains(variants[v.Row], name) {
				t.Errorf("%s is missing at %s", name, v.Row)
			}
		}
	}
	for h, names := range variants {
		for _, name := range names {
			if !exists[name] {
				t.Errorf("%s: %s is no variant", h, name)
			}
		}
	}
}

// checkMutantOf checks what the table says of the mutant and the trace of a variant.
func checkMutantOf(t *testing.T, variant, mutant, trace string) {
	t.Helper()
	patch := func(name string) string { return "../../../../properties/mutants/" + name + ".patch" }
	if _, err := os.Stat(patch(variant)); err == nil && mutant != variant {
		t.Errorf("%s: the mutant is %s, but there is one of its name", variant, mutant)
	}
	if mutant == "-" && trace == "-" {
		return
	}
	if _, err := os.Stat(patch(mutant)); err != nil {
		t.Errorf("%s: %v", variant, err)
	}
	if text, err := os.ReadFile("../../../../traces/" + trace + ".trace"); err != nil || !strings.Contains(string(text), " "+mutant+" ") {
		t.Errorf("%s: trace %s does not kill mutant %s: %v", variant, trace, mutant, err)
	}
}
