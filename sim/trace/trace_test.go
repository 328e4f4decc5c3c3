package trace_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cutthrough/sim/exec"
	"cutthrough/sim/trace"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// design is the trace of the package documentation.
func design() *trace.Trace {
	return &trace.Trace{
		Story: []string{
			"The story in two or three sentences.",
			"",
			"found   by which search or person",
			"guards  shm/fifo/signal.go, (*Producer).ArmDequeue",
		},
		Scenario: "fifo-stream",
		Config:   []trace.KV{{Key: "fifo", Value: "64"}, {Key: "procs", Value: "prod,cons"}},
		Workload: []trace.Op{
			{Proc: "prod", Verb: "write", Args: []string{"1"}},
			{Proc: "cons", Verb: "read", Args: []string{"1"}},
		},
		Schedule: []exec.Intervention{
			{Task: "prod", Name: "fifo.tail", Op: "store", Nth: 1, Effect: exec.Effect{Kind: exec.Switch, Target: "cons"}},
			{Task: "cons", Name: "fifo.head", Op: "store", Nth: 1, Effect: exec.Effect{Kind: exec.Switch, Target: "prod"}},
		},
		Want:   trace.Pass,
		Kills:  []trace.Kill{{Mutant: "skip-recheck", Property: "NoDeadlock"}},
		Digest: 0xcea048bd048ca705,
		Steps:  17,
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func glob(t testing.TB, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %d files, %v", pattern, len(paths), err)
	}
	return paths
}

func TestDesignTrace(t *testing.T) {
	text := read(t, "testdata/canonical/design.trace")
	got, err := trace.Parse("design.trace", text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(design(), got); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(string(text), string(trace.Format(design()))); diff != "" {
		t.Errorf("Format (-want +got):\n%s", diff)
	}
	documented := strings.ReplaceAll("\t"+strings.TrimSpace(string(text)), "\n", "\n//\t")
	if !bytes.Contains(read(t, "doc.go"), []byte(documented)) {
		t.Error("the package documentation shows another trace")
	}
}

func TestCanonicalFiles(t *testing.T) {
	for _, path := range glob(t, "testdata/canonical/*.trace") {
		if err := trace.CheckCanonical(path, read(t, path)); err != nil {
			t.Error(err)
		}
		if _, err := trace.ReadFile(path); err != nil {
			t.Error(err)
		}
	}
}

func TestMessyFiles(t *testing.T) {
	for _, path := range glob(t, "testdata/messy/*.trace") {
		text := read(t, path)
		got, err := trace.Parse(path, text)
		if err != nil {
			t.Fatal(err)
		}
		want := read(t, strings.TrimSuffix(path, ".trace")+".want")
		if diff := cmp.Diff(string(want), string(trace.Format(got))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
		if err := trace.CheckCanonical(path, text); !errors.Is(err, trace.ErrNotCanonical) {
			t.Errorf("CheckCanonical(%s) = %v", path, err)
		}
	}
}

// TestCheckCanonical edits a canonical trace so that it still parses, and wants
// the first line that differs to be named.
func TestCheckCanonical(t *testing.T) {
	text := string(read(t, "testdata/canonical/design.trace"))
	for _, c := range []struct{ name, old, new, want string }{
		{"column", "config    fifo", "config   fifo", `x:7: not canonical: want "config    fifo=64 procs=prod,cons"`},
		{"trailing space", "# The story in two or three sentences.", "# The story in two or three sentences. ",
			`x:2: not canonical: want "# The story in two or three sentences."`},
		{"blank line", "workload\n", "\nworkload\n", `x:8: not canonical: want "workload"`},
		{"blank line at the end", "steps=17\n", "steps=17\n\n", `x:17: not canonical: want the end of the file`},
		{"malformed", "want      pass", "want      fail", `x:14: want "fail" is neither "pass" nor "violation PROPERTY"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := trace.CheckCanonical("x", []byte(strings.Replace(text, c.old, c.new, 1)))
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestNotes(t *testing.T) {
	tr := &trace.Trace{Story: []string{
		"found by chance, says a sentence.",
		"found   by explore, bound 2",
		"found   again",
		"guards  a.go",
		"guardsmen  do not count",
		"guards    b.go, (*T).M",
	}}
	if got, want := tr.Found(), "by explore, bound 2"; got != want {
		t.Errorf("Found() = %q, want %q", got, want)
	}
	if diff := cmp.Diff([]string{"a.go", "b.go, (*T).M"}, tr.Guards()); diff != "" {
		t.Errorf("Guards() (-want +got):\n%s", diff)
	}
	var empty trace.Trace
	if empty.Found() != "" || empty.Guards() != nil {
		t.Errorf("without a story: Found() = %q, Guards() = %q", empty.Found(), empty.Guards())
	}
}

func TestLookup(t *testing.T) {
	tr := design()
	if got, ok := tr.Lookup("procs"); got != "prod,cons" || !ok {
		t.Errorf(`Lookup("procs") = %q, %v`, got, ok)
	}
	if got, ok := tr.Lookup("64"); ok {
		t.Errorf(`Lookup("64") = %q, %v`, got, ok)
	}
}

func TestInterventionString(t *testing.T) {
	v := design().Schedule[0]
	if got, want := v.String(), "prod @ fifo.tail store #1 -> cons"; got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
	v.Effect = exec.Effect{Kind: exec.Kill}
	if got, want := v.String(), "prod @ fifo.tail store #1 kill"; got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
}

// TestValidate breaks one field of a valid trace at a time, in ways that no
// text could have produced, and wants the field named and Format to panic.
func TestValidate(t *testing.T) {
	long := strings.Repeat("x", trace.MaxLine)
	for _, c := range []struct {
		name string
		edit func(*trace.Trace)
		want string
	}{
		{"injected line", func(tr *trace.Trace) { tr.Story[1] = "x\nwant pass" }, `story[1]: control character U+000A at column 2`},
		{"story ends in space", func(tr *trace.Trace) { tr.Story[0] = "x " }, `story[0]: "x " ends in a space`},
		{"long story", func(tr *trace.Trace) { tr.Story[0] = long },
			`in canonical form: line "# xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"... has 4098 bytes, limit 4096`},
		{"no scenario", func(tr *trace.Trace) { tr.Scenario = "" }, `scenario is empty`},
		{"two words", func(tr *trace.Trace) { tr.Scenario = "a b" }, `scenario "a b": ' ' is not allowed in a name`},
		{"key", func(tr *trace.Trace) { tr.Config[1].Key = "fifo" }, `config key "fifo" is set twice`},
		{"value", func(tr *trace.Trace) { tr.Config[0].Value = "" }, `fifo: config value is empty`},
		{"verb", func(tr *trace.Trace) { tr.Workload[1].Verb = "" }, `workload[1]: verb is empty`},
		{"argument", func(tr *trace.Trace) { tr.Workload[1].Args = []string{"1", ""} }, `workload[1]: argument is empty`},
		{"newline", func(tr *trace.Trace) { tr.Workload[0].Args = []string{"1\n2"} }, `workload[0]: argument "1\n2": '\n' is not printable ASCII`},
		{"nth", func(tr *trace.Trace) { tr.Schedule[0].Nth = 0 }, `schedule[0]: #0 is not between 1 and 1000000000`},
		{"large nth", func(tr *trace.Trace) { tr.Schedule[1].Nth = trace.MaxNumber + 1 }, `schedule[1]: #1000000001 is not between 1 and 1000000000`},
		{"effect", func(tr *trace.Trace) { tr.Schedule[1].Effect = exec.Effect{} },
			`schedule[1]: unknown effect "continue": there are ->, =, kill, stop, resume, advance-clock, corrupt-read, spurious, delay, fail, truncate`},
		{"effect with too much", func(tr *trace.Trace) { tr.Schedule[1].Effect.Arg = 1 },
			`schedule[1]: effect "->" does not take all of target "prod", number 1`},
		{"want", func(tr *trace.Trace) { tr.Want = "" }, `want: property is empty`},
		{"kills", func(tr *trace.Trace) { tr.Kills[0].Mutant = "" }, `kills[0]: mutant is empty`},
		{"steps", func(tr *trace.Trace) { tr.Steps = -1 }, `steps=-1 is not between 0 and 1000000000`},
		{"many operations", func(tr *trace.Trace) { tr.Workload = make([]trace.Op, trace.MaxEntries+1) }, `more than 10000 operations`},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := design()
			c.edit(tr)
			if err := tr.Validate(); err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			defer func() {
				if got, want := recover(), "trace: format an invalid trace: "+c.want; got != want {
					t.Errorf("Format: panic %v, want %s", got, want)
				}
			}()
			trace.Format(tr)
		})
	}
	if err := design().Validate(); err != nil {
		t.Error(err)
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genTrace.Draw(t, "trace")
		if err := want.Validate(); err != nil {
			t.Fatal(err)
		}
		text := trace.Format(want)
		got, err := trace.Parse("x", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("Parse(Format(t)) (-want +got):\n%s", diff)
		}
		if again := trace.Format(got); !bytes.Equal(text, again) {
			t.Fatalf("Format(Parse(x)) (-first +second):\n%s", cmp.Diff(string(text), string(again)))
		}
	})
}

// TestMess rewrites a canonical trace in ways that do not change its meaning.
func TestMess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genTrace.Draw(t, "trace")
		lines := strings.SplitAfter(string(trace.Format(want)), "\n")
		var messy strings.Builder
		for i, line := range lines {
			if i > 0 && rapid.Bool().Draw(t, "blank") && i < len(lines)-1 {
				messy.WriteString(strings.Repeat(" ", rapid.IntRange(0, 3).Draw(t, "blanks")) + "\n")
			}
			if i > 0 && line != "" && line[0] != '#' {
				line = strings.ReplaceAll(line, "  ", strings.Repeat(" ", rapid.IntRange(1, 5).Draw(t, "gap")))
				line = strings.TrimSuffix(line, "\n") + strings.Repeat(" ", rapid.IntRange(0, 2).Draw(t, "tail")) + "\n"
			}
			messy.WriteString(line)
		}
		got, err := trace.Parse("x", []byte(messy.String()))
		if err != nil {
			t.Fatalf("%v\n%s", err, messy.String())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s\n%s", diff, messy.String())
		}
	})
}
