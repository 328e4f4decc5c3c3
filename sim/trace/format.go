package trace

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"strings"

	"cutthrough/sim/exec"
)

// ErrNotCanonical is wrapped by the error of [CheckCanonical] for a trace that
// [Parse] accepts but [Format] would write differently.
var ErrNotCanonical = errors.New("not canonical")

// Format returns the canonical text of t: [Parse] reads it back as an equal
// Trace. It panics when t is not valid; call [Trace.Validate] first unless t
// came from Parse.
func Format(t *Trace) []byte {
	text, err := t.encode()
	if err != nil {
		panic("trace: format an invalid trace: " + err.Error())
	}
	return text
}

// CheckCanonical returns nil when data is a trace exactly as [Format] writes it.
// Otherwise the error is an [*Error]: that of [Parse], or one that wraps
// [ErrNotCanonical] and names the first line that differs.
func CheckCanonical(name string, data []byte) error {
	t, err := Parse(name, data)
	if err != nil {
		return err
	}
	text := Format(t)
	if bytes.Equal(data, text) {
		return nil
	}
	// Each line of text comes from one of data, so data has as many or more.
	have, want := bytes.Split(data, []byte("\n")), bytes.Split(text, []byte("\n"))
	for i, line := range want {
		if !bytes.Equal(line, have[i]) {
			return &Error{name, i + 1, fmt.Errorf("%w: want %q", ErrNotCanonical, line)}
		}
	}
	return &Error{name, len(want), fmt.Errorf("%w: want the end of the file", ErrNotCanonical)}
}

// encode returns the canonical text of t, or why there is none.
func (t *Trace) encode() ([]byte, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	text, schedule := t.render()
	if err := cmp.Or(checkFileSize(len(text)), checkTextSize(len(text)-schedule)); err != nil {
		return nil, fmt.Errorf("in canonical form: %w", err)
	}
	for line := range bytes.Lines(text) {
		if n := len(line) - 1; n > MaxLine {
			return nil, fmt.Errorf("in canonical form: line %s has %d bytes, limit %d", quote(string(line)), n, MaxLine)
		}
	}
	return text, nil
}

func checkFileSize(n int) error {
	if n > MaxFile {
		return fmt.Errorf("%d bytes, limit %d", n, MaxFile)
	}
	return nil
}

func checkTextSize(n int) error {
	if n > MaxText {
		return fmt.Errorf("%d bytes besides the schedule, limit %d", n, MaxText)
	}
	return nil
}

// render returns the text, and how many bytes of it are lines of the schedule.
func (t *Trace) render() (text []byte, schedule int) {
	var b bytes.Buffer
	fmt.Fprintln(&b, header)
	for _, line := range t.Story {
		fmt.Fprintln(&b, strings.TrimRight("# "+line, " "))
	}
	section := func(word, text string) { fmt.Fprintf(&b, "%-8s  %s\n", word, text) }
	section("scenario", t.Scenario)
	if len(t.Config) > 0 {
		section("config", t.configText())
	}
	if len(t.Workload) > 0 {
		fmt.Fprintln(&b, "workload")
		t.renderWorkload(&b)
	}
	if len(t.Schedule) > 0 {
		fmt.Fprintln(&b, "schedule")
		schedule = -b.Len()
		t.renderSchedule(&b)
		schedule += b.Len()
	}
	if t.Want == Pass {
		section("want", Pass)
	} else {
		section("want", "violation "+t.Want)
	}
	mutant := width(t.Kills, func(k Kill) string { return k.Mutant })
	for _, k := range t.Kills {
		section("kills", fmt.Sprintf("%-*s  %s", mutant, k.Mutant, k.Property))
	}
	section("digest", fmt.Sprintf("%016x  steps=%d", t.Digest, t.Steps))
	return b.Bytes(), schedule
}

func (t *Trace) configText() string {
	pairs := make([]string, len(t.Config))
	for i, kv := range t.Config {
		pairs[i] = kv.Key + "=" + kv.Value
	}
	return strings.Join(pairs, " ")
}

func (t *Trace) renderWorkload(b *bytes.Buffer) {
	proc := width(t.Workload, func(o Op) string { return o.Proc })
	for _, o := range t.Workload {
		fmt.Fprintf(b, "  %-*s  %s\n", proc, o.Proc, phrase(o.Verb, o.Args))
	}
}

func (t *Trace) renderSchedule(b *bytes.Buffer) {
	access := func(v exec.Intervention) string { return v.Name + " " + v.Op }
	nth := func(v exec.Intervention) string { return fmt.Sprintf("#%d", v.Nth) }
	taskWidth := width(t.Schedule, func(v exec.Intervention) string { return v.Task })
	accessWidth := width(t.Schedule, access)
	nthWidth := width(t.Schedule, nth)
	for _, v := range t.Schedule {
		fmt.Fprintf(b, "  %-*s  @ %-*s  %-*s  %s\n",
			taskWidth, v.Task, accessWidth, access(v), nthWidth, nth(v), v.Effect)
	}
}

// width returns the width of the column that holds cell of each row. Cells
// in aligned columns are ASCII, so bytes are columns.
func width[T any](rows []T, cell func(T) string) int {
	var most int
	for _, row := range rows {
		most = max(most, len(cell(row)))
	}
	return most
}
