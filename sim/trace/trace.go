package trace

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cutthrough/sim/exec"
)

// Limits on what [Parse] accepts and [Format] writes. They are far above any
// trace that a person would review: what a search finds is written before it is shrunk.
const (
	MaxFile     = 40 << 20      // bytes of a file
	MaxText     = 1 << 20       // bytes of a file without the lines of its schedule
	MaxLine     = 4096          // bytes of a line, without its LF
	MaxEntries  = 10_000        // comment lines and operations, each
	MaxSchedule = 100_000       // interventions: five for each step that sim allows by default
	MaxConfig   = 64            // keys
	MaxKills    = 64            // kills lines
	MaxName     = 64            // bytes of a name
	MaxNumber   = 1_000_000_000 // largest Nth and Steps
)

// Pass is the verdict of an execution that violates no property.
const Pass = exec.Pass

// A Trace is one interleaving of one scenario, and what it shows. Empty lists
// are nil in a Trace that came from [Parse].
type Trace struct {
	Story    []string // comment lines, without "# "
	Scenario string
	Config   []KV // keys are unique, the order is kept
	Workload []Op
	Schedule []exec.Intervention
	Want     string // Pass, or the property that this trace violates
	Kills    []Kill
	Digest   uint64 // of the execution that was recorded
	Steps    int    // of the execution that was recorded, 0 to MaxNumber
}

// A KV is one key of a trace's configuration.
type KV struct{ Key, Value string }

// An Op is one operation of the workload: process Proc calls Verb.
type Op struct {
	Proc, Verb string
	Args       []string
}

// String returns the operation as a line of a workload, with single spaces.
func (o Op) String() string { return phrase(o.Proc, append([]string{o.Verb}, o.Args...)) }

// phrase returns a word and its arguments, as a trace shows them.
func phrase(word string, args []string) string {
	return strings.Join(append([]string{word}, args...), " ")
}

// A Kill is a claim: with the mutant applied, this trace violates the property.
type Kill struct{ Mutant, Property string }

// Lookup returns the value of a configuration key, if the trace sets it.
func (t *Trace) Lookup(key string) (string, bool) {
	for _, kv := range t.Config {
		if kv.Key == key {
			return kv.Value, true
		}
	}
	return "", false
}

// Found returns what the story says under "found": the person or the search that found the trace. It is empty
// if the story has no such line.
func (t *Trace) Found() string {
	if notes := t.notes("found"); len(notes) > 0 {
		return notes[0]
	}
	return ""
}

// Guards returns what the story says under "guards", one element a line: the
// code that the trace protects.
func (t *Trace) Guards() []string { return t.notes("guards") }

// notes returns the values of the story lines "key  value". Two spaces tell a
// key from a sentence that happens to start with the same word.
func (t *Trace) notes(key string) []string {
	var values []string
	for _, line := range t.Story {
		if value, ok := strings.CutPrefix(line, key+"  "); ok {
			values = append(values, strings.TrimSpace(value))
		}
	}
	return values
}

// Validate says whether t can be written as a trace that [Parse] reads back as
// an equal one. The error names the first field that stands in the way.
func (t *Trace) Validate() error {
	_, err := t.encode()
	return err
}

// check looks at everything but the sizes of the encoded lines and file.
func (t *Trace) check() error {
	if err := cmp.Or(
		checkCount("comment lines", len(t.Story), MaxEntries),
		checkCount("operations", len(t.Workload), MaxEntries),
		checkCount("interventions", len(t.Schedule), MaxSchedule),
	); err != nil {
		return err
	}
	for i, line := range t.Story {
		if err := checkStory(line); err != nil {
			return fmt.Errorf("story[%d]: %w", i, err)
		}
	}
	if err := cmp.Or(checkName("scenario", t.Scenario), checkConfig(t.Config)); err != nil {
		return err
	}
	for i, op := range t.Workload {
		if err := op.check(); err != nil {
			return fmt.Errorf("workload[%d]: %w", i, err)
		}
	}
	for i, v := range t.Schedule {
		if err := checkIntervention(v); err != nil {
			return fmt.Errorf("schedule[%d]: %w", i, err)
		}
	}
	if t.Want != Pass {
		if err := checkProperty(t.Want); err != nil {
			return fmt.Errorf("want: %w", err)
		}
	}
	for i := range t.Kills {
		if err := checkKill(t.Kills[:i+1], t.Want); err != nil {
			return fmt.Errorf("kills[%d]: %w", i, err)
		}
	}
	return checkNumber("steps=", t.Steps, 0)
}

func checkStory(line string) error {
	if strings.HasSuffix(line, " ") {
		return fmt.Errorf("%s ends in a space", quote(line))
	}
	return checkText(line)
}

func checkConfig(config []KV) error {
	if err := checkCount("config keys", len(config), MaxConfig); err != nil {
		return err
	}
	for i, kv := range config {
		if err := checkName("config key", kv.Key); err != nil {
			return err
		}
		if err := checkWord("config value", kv.Value); err != nil {
			return fmt.Errorf("%s: %w", kv.Key, err)
		}
		if slices.ContainsFunc(config[:i], func(old KV) bool { return old.Key == kv.Key }) {
			return fmt.Errorf("config key %s is set twice", quote(kv.Key))
		}
	}
	return nil
}

func (o Op) check() error {
	if err := checkName("process", o.Proc); err != nil {
		return err
	}
	if err := checkName("verb", o.Verb); err != nil {
		return err
	}
	for _, arg := range o.Args {
		if err := checkWord("argument", arg); err != nil {
			return err
		}
	}
	return nil
}

func checkIntervention(v exec.Intervention) error {
	if err := checkName("task", v.Task); err != nil {
		return err
	}
	if err := checkName("access name", v.Name); err != nil {
		return err
	}
	if err := checkName("operation", v.Op); err != nil {
		return err
	}
	if err := checkNumber("#", v.Nth, 1); err != nil {
		return err
	}
	return checkEffect(v.Effect)
}

func checkProperty(name string) error {
	if name == Pass {
		return errors.New(`"pass" is not a property`)
	}
	return checkName("property", name)
}

// checkKill checks the last of kills, the ones before it being fine.
func checkKill(kills []Kill, want string) error {
	if err := checkCount("kills lines", len(kills), MaxKills); err != nil {
		return err
	}
	last := len(kills) - 1
	k := kills[last]
	if err := checkName("mutant", k.Mutant); err != nil {
		return err
	}
	if strings.Contains(k.Mutant, "/") {
		return fmt.Errorf("mutant %s: a slash is not allowed, the name becomes a file name", quote(k.Mutant))
	}
	if err := checkProperty(k.Property); err != nil {
		return err
	}
	if k.Property == want {
		return fmt.Errorf("mutant %s: %s is violated without the mutant already", k.Mutant, k.Property)
	}
	if slices.Contains(kills[:last], k) {
		return fmt.Errorf("mutant %s: %s is claimed twice", k.Mutant, k.Property)
	}
	return nil
}
