package cli

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"unicode"

	"cutthrough/sim/exec"
	"cutthrough/sim/explore"
	"cutthrough/sim/trace"
)

// maxMessage bounds the lines of a message in a report: a panic has a stack.
const maxMessage = 5

// message returns the message of f for a report.
func message(f *exec.Failure) []string { return fit(strings.Split(f.Message, "\n"), maxMessage) }

// failure prints the message of f.
func (p *Printer) failure(f *exec.Failure) {
	lines := message(f)
	if p.Verbose {
		lines = strings.Split(f.Message, "\n")
	}
	p.Lines("  ", lines)
}

// size is how much there is to read in a violation.
type size struct {
	Interventions int `json:"interventions" doc:"lines of its schedule"`
	Operations    int `json:"operations" doc:"lines of its workload"`
	Steps         int `json:"steps" doc:"steps of its execution"`
}

func sizeOf(f *explore.Violation) size { return size{len(f.Schedule), len(f.Input.Workload), f.Steps} }

// String returns the size in words.
func (s size) String() string {
	return fmt.Sprintf("%s, %s and %s", Plural(s.Interventions, "intervention"), Plural(s.Operations, "operation"), Plural(s.Steps, "step"))
}

// body returns the lines of a trace between story and verdict: what runs.
func body(t *trace.Trace) []string {
	bare := *t
	bare.Story, bare.Kills = nil, nil
	lines := strings.Split(strings.TrimSpace(string(trace.Format(&bare))), "\n")
	return lines[1 : len(lines)-2] // without version, want and digest
}

// verdicts says in words what a trace claims.
func verdicts(t *trace.Trace) string {
	text := "want " + t.Want
	if t.Want != trace.Pass {
		text = "want violation " + t.Want
	}
	for _, k := range t.Kills {
		text += ", kills " + k.Mutant + " " + k.Property
	}
	return text
}

// fileName returns the name for a trace of a violation of property. Equal
// executions get equal names, whatever the story says.
func fileName(t *trace.Trace, property string) string {
	bare := *t
	bare.Story, bare.Digest, bare.Steps = nil, 0, 0
	sum := sha256.Sum256(trace.Format(&bare))
	clean := strings.NewReplacer("/", "-", ":", "-")
	return fmt.Sprintf("%s-%s-%x.trace", clean.Replace(t.Scenario), clean.Replace(property), sum[:4])
}

// storyWidth is where lines of a story are broken.
const storyWidth = 90

// firstStory returns what can be said about a violation without understanding it.
func firstStory(f *exec.Failure, by string) []string {
	message, _, _ := strings.Cut(f.Message, "\n")
	var story []string
	line := f.Property + ":"
	for word := range strings.FieldsSeq(message) {
		if word = printable(word); word == "" {
			continue
		}
		if len(line)+1+len(word) > storyWidth {
			story = append(story, line)
			line = word
			continue
		}
		line += " " + word
	}
	return append(story, line, "", "found   "+by)
}

// printable returns a word as a line of a story may contain it: short, and without
// characters that a terminal acts upon.
func printable(word string) string {
	var b strings.Builder
	for _, r := range word {
		if b.Len() >= storyWidth {
			b.WriteString("…")
			break
		}
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}
