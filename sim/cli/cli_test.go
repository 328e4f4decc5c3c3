package cli

import (
	"encoding/json"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/explore"
	"cutthrough/sim/trace"

	"github.com/google/go-cmp/cmp"
)

func TestWorst(t *testing.T) {
	for _, tt := range []struct {
		codes []int
		want  int
	}{
		{nil, ExitHeld},
		{[]int{ExitHeld, ExitHeld}, ExitHeld},
		{[]int{ExitStale, ExitHeld}, ExitStale},
		{[]int{ExitStale, ExitSurvived, ExitLiveness}, ExitLiveness},
		{[]int{ExitLiveness, ExitViolated}, ExitViolated},
		{[]int{ExitViolated, ExitUsage}, ExitUsage},
		{[]int{ExitUsage, ExitNondeterminism, ExitViolated}, ExitNondeterminism},
		{[]int{ExitNondeterminism, ExitInterrupted}, ExitInterrupted},
	} {
		if got := Worst(tt.codes); got != tt.want {
			t.Errorf("Worst(%v) = %d, want %d", tt.codes, got, tt.want)
		}
	}
	for _, e := range exitCodes {
		if got := Worst([]int{e.code}); got != e.code && e.code != ExitInternal {
			t.Errorf("Worst(%d) = %d: the code has no severity", e.code, got)
		}
	}
}

func TestViolationCode(t *testing.T) {
	for property, want := range map[string]int{
		exec.NoDeadlock: ExitLiveness, exec.NoLostWakeup: ExitLiveness, exec.NoLivelock: ExitLiveness,
		exec.NoRace: ExitViolated, exec.NoLeak: ExitViolated, "Sum": ExitViolated,
		exec.Determinism: ExitNondeterminism,
	} {
		if got := violationCode(property); got != want {
			t.Errorf("%s: exit code %d, want %d", property, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1: "-1", -123456: "-123,456"} {
		if got := Count(n); got != want {
			t.Errorf("Count(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestAnnotationIsOneLine(t *testing.T) {
	got := annotation(checked{Path: "traces/a,b:c.trace", Mutant: "m", Status: "toothless", Line: 3, Detail: "100%\r\n::set-output name=x::y"})
	want := "::error file=traces/a%2Cb%3Ac.trace,line=3,title=toothless with mutant m::100%25%0D%0A::set-output name=x::y"
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if got := annotation(checked{Path: "t", Status: "error"}); got != "::error file=t,title=error::" {
		t.Error(got)
	}
}

// What a shell makes of a quoted word is the word.
func TestShellQuote(t *testing.T) {
	for _, word := range []string{"", "a b", "it's", "$HOME", "`id`", "a\nb", `\`, "traces/x-1.trace", "--n=1", "*", "'"} {
		out, err := osexec.Command("sh", "-c", "printf %s "+shellQuote(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("%q became %q, %v", word, out, err)
		}
	}
	if got := shellQuote("out/a.trace"); got != "out/a.trace" {
		t.Errorf("quotes %s for nothing", got)
	}
}

// A file name tells executions apart, not stories or digests.
func TestFileName(t *testing.T) {
	base := trace.Trace{Scenario: "a/b", Want: "P:q", Digest: 1, Steps: 2, Workload: []trace.Op{{Proc: "p", Verb: "v"}}}
	name := fileName(&base, "P:q")
	if !strings.HasPrefix(name, "a-b-P-q-") || filepath.Base(name) != name {
		t.Errorf("name %s", name)
	}
	same := base
	same.Story, same.Digest, same.Steps = []string{"A story."}, 3, 4
	if got := fileName(&same, "P:q"); got != name {
		t.Errorf("with another story %s, want %s", got, name)
	}
	other := base
	other.Workload = nil
	if got := fileName(&other, "P:q"); got == name {
		t.Errorf("another execution has the same name %s", got)
	}
}

// Whatever a message says, the story is one that a trace can hold.
func TestFirstStoryIsValid(t *testing.T) {
	for _, message := range []string{"", "plain", "one\ntwo", "\x1b[31mred\ttab\r", "\u202e", "\xff\xfe", strings.Repeat("x", 10_000), strings.Repeat("many words ", 2_000), "  "} {
		story := firstStory(&exec.Failure{Property: "Sum", Message: message}, "a test")
		x := trace.Trace{Story: story, Scenario: "s", Want: "Sum"}
		if err := x.Validate(); err != nil {
			t.Errorf("message %.40q: %v", message, err)
		}
		if got := x.Found(); got != "a test" {
			t.Errorf("message %.40q: found by %q", message, got)
		}
	}
}

// A violation whose schedule is larger than a trace may be is shown without one.
func TestViolationWithoutTrace(t *testing.T) {
	f := &explore.Violation{Failure: exec.Failure{Property: "Sum", Message: "too much"}}
	for i := range trace.MaxSchedule + 1 {
		f.Schedule = append(f.Schedule, exec.Intervention{Task: "a", Name: "x", Op: "load", Nth: i + 1, Effect: exec.Effect{Kind: exec.Kill}})
	}
	a := &Invocation{}
	r := &Exploration{Scenario: "s", Outcome: violated}
	r.Violation = a.describe(f, f, r)
	if err := r.Complete(a); err != nil {
		t.Error(err)
	}
	var out strings.Builder
	r.Print(&Printer{w: &out})
	if !strings.Contains(out.String(), "there is no trace of it: more than 100000 interventions\n") || r.Code() != ExitViolated {
		t.Errorf("exit code %d\n%s", r.Code(), &out)
	}
}

func TestFit(t *testing.T) {
	lines := strings.Fields("a b c d")
	if diff := cmp.Diff(lines, fit(lines, 4)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a", "b", "  … 2 more lines"}, fit(lines, 3)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(strings.Fields("a b c d"), lines); diff != "" {
		t.Errorf("fit changed its argument: %s", diff)
	}
}

// Every field of an object is documented, and named as JSON names things.
func TestJSONFieldsAreDocumented(t *testing.T) {
	var check func(name string, fields []jsonField)
	check = func(name string, fields []jsonField) {
		for _, f := range fields {
			if f.name == "" || f.doc == "" || strings.ToLower(f.name) != f.name {
				t.Errorf("%s: field %q, documented as %q", name, f.name, f.doc)
			}
			check(name+" "+f.name, f.fields)
		}
	}
	for _, d := range new(Invocation).documents() {
		check(d.Name, jsonFields(reflect.TypeOf(d.Object), false))
	}
}

// A result that a mutated process wrote is the one that its parent shows.
func TestResultsSurviveJSON(t *testing.T) {
	r := Exploration{
		Header: Header{Schema: schema, Command: "explore", Exit: 4, Mutant: "m"}, Scenario: "s", Outcome: violated, Seed: 1<<63 + 1,
		Sometimes: map[string]int{"a": 1}, Coverage: []sim.FaultCoverage{{Site: "x load", Fault: "kill", Offered: 2, Hit: 1}},
		Violation: &Violation{Failure: exec.Failure{Property: "P", Message: "1\n2 -> <3>", Step: 4}, Shrunk: size{1, 2, 3}, Schedule: []exec.Intervention{{Task: "a", Name: "x", Op: "load", Nth: 1, Effect: exec.Effect{Kind: exec.Switch, Target: "b"}}}, Diagram: []string{"▶"}},
	}
	text, err := json.Marshal(&r)
	if err != nil {
		t.Fatal(err)
	}
	var got Exploration
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, got, cmp.AllowUnexported(Exploration{}, Violation{}, search{}), cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Error(diff)
	}
}

func TestRate(t *testing.T) {
	for n, want := range map[int]string{5: "5/s", 9_999: "9999/s", 20_000: "20k/s", 3_400_000: "3.4M/s"} {
		if got := Rate(n, 1e9); got != want {
			t.Errorf("Rate(%d) = %s, want %s", n, got, want)
		}
	}
	if got := Rate(1, 0); got != "1000/s" { // no time at all is no infinity
		t.Error(got)
	}
}

func Example_table() {
	p := &Printer{w: os.Stdout}
	p.Table([][]string{{"mutant", "", "found"}, {"x", "", ""}, {"skip-recheck", "", fmt.Sprint("→", 1)}}, nil)
	// Output:
	// mutant        found
	// x
	// skip-recheck  →1
}
