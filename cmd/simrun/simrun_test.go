package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	osexec "os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/trace"

	"github.com/google/go-cmp/cmp"
)

func TestWorst(t *testing.T) {
	for _, tt := range []struct {
		codes []int
		want  int
	}{
		{nil, exitHeld},
		{[]int{exitHeld, exitHeld}, exitHeld},
		{[]int{exitStale, exitHeld}, exitStale},
		{[]int{exitStale, exitSurvived, exitLiveness}, exitLiveness},
		{[]int{exitLiveness, exitViolated}, exitViolated},
		{[]int{exitViolated, exitUsage}, exitUsage},
		{[]int{exitUsage, exitNondeterminism, exitViolated}, exitNondeterminism},
		{[]int{exitNondeterminism, exitInterrupted}, exitInterrupted},
	} {
		if got := worst(tt.codes); got != tt.want {
			t.Errorf("worst(%v) = %d, want %d", tt.codes, got, tt.want)
		}
	}
	for _, e := range exitCodes {
		if got := worst([]int{e.code}); got != e.code && e.code != exitInternal {
			t.Errorf("worst(%d) = %d: the code has no severity", e.code, got)
		}
	}
}

func TestViolationCode(t *testing.T) {
	for property, want := range map[string]int{
		exec.NoDeadlock: exitLiveness, exec.NoLostWakeup: exitLiveness, exec.NoLivelock: exitLiveness,
		exec.NoRace: exitViolated, exec.NoLeak: exitViolated, "Sum": exitViolated,
		exec.Determinism: exitNondeterminism,
	} {
		if got := violationCode(property); got != want {
			t.Errorf("%s: exit code %d, want %d", property, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1: "-1", -123456: "-123,456"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) = %s, want %s", n, got, want)
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
	for _, d := range documents {
		for _, f := range jsonFields(reflect.TypeOf(d.v), false) {
			if f.name == "" || f.doc == "" || strings.ToLower(f.name) != f.name {
				t.Errorf("%s: field %q, documented as %q", d.command, f.name, f.doc)
			}
		}
	}
}

// A result that a mutated process wrote is the one that its parent shows.
func TestResultsSurviveJSON(t *testing.T) {
	r := exploreResult{
		header: header{Schema: schema, Command: "explore", Exit: 4, Mutant: "m"}, Scenario: "s", Outcome: violated, Seed: 1<<63 + 1,
		Sometimes: map[string]int{"a": 1}, Coverage: []sim.FaultCoverage{{Site: "x load", Fault: "kill", Offered: 2, Hit: 1}},
		Violation: &violation{failure: failure{Property: "P", Message: "1\n2 -> <3>", Step: 4}, Shrunk: size{1, 2, 3}, Diagram: []string{"▶"}},
	}
	text, err := json.Marshal(&r)
	if err != nil {
		t.Fatal(err)
	}
	var got exploreResult
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, got, cmp.AllowUnexported(exploreResult{}, violation{}, search{}), cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Error(diff)
	}
}

// The commands of the README work.
func TestREADME(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	commands := readmeCommands(string(text))
	if len(commands) == 0 {
		t.Error("no command to try")
	}
	for _, c := range commands {
		t.Run(c, func(t *testing.T) {
			t.Parallel()
			cmd := osexec.Command("sh", "-c", c)
			cmd.Dir = "../.."
			out, err := cmd.CombinedOutput()
			// To find a violation may be what the reader is meant to see.
			if code := cmd.ProcessState.ExitCode(); code != exitHeld && code != exitViolated && code != exitLiveness {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// readmeCommands returns the lines of sh code blocks that run simrun, whatever way
// it was built.
func readmeCommands(text string) []string {
	var commands []string
	block := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "```") && block == "":
			block = line
		case strings.HasPrefix(line, "```"):
			block = ""
		case block == "```sh":
			for _, program := range []string{"go run ./cmd/simrun ", "out/simrun "} {
				if args, ok := strings.CutPrefix(line, program); ok {
					commands = append(commands, "simrun "+args)
				}
			}
		}
	}
	return commands
}

func TestREADMECommands(t *testing.T) {
	text := "go run ./cmd/simrun prose\n```sh\ngo run ./cmd/simrun list # why\ngo test ./...\n```\n```go\ngo run ./cmd/simrun no\n```\n```\ngo run ./cmd/simrun no\n```\n```sh\n  out/simrun demo\n```\n"
	want := []string{"simrun list # why", "simrun demo"}
	if diff := cmp.Diff(want, readmeCommands(text)); diff != "" {
		t.Error(diff)
	}
}

func TestRate(t *testing.T) {
	for n, want := range map[int]string{5: "5/s", 9_999: "9999/s", 20_000: "20k/s", 3_400_000: "3.4M/s"} {
		if got := rate(n, 1e9); got != want {
			t.Errorf("rate(%d) = %s, want %s", n, got, want)
		}
	}
	if got := rate(1, 0); got != "1000/s" { // no time at all is no infinity
		t.Error(got)
	}
}

func Example_table() {
	p := &printer{w: os.Stdout}
	p.table([][]string{{"mutant", "", "found"}, {"x", "", ""}, {"skip-recheck", "", fmt.Sprint("→", 1)}}, nil)
	// Output:
	// mutant        found
	// x
	// skip-recheck  →1
}
