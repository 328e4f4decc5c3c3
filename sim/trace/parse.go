package trace

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cutthrough/sim/exec"
)

const header = "simtrace v1"

// sections are the words that start a line, in the order of the format.
var sections = [...]string{"scenario", "config", "workload", "schedule", "want", "kills", "digest"}

// ErrVersion is wrapped by the error of [Parse] for a trace of another version.
var ErrVersion = errors.New("this build reads v1")

// An Error is a fault in a trace file. Line counts from 1; it is 0 when the fault is
// one of the whole file.
type Error struct {
	File string
	Line int
	Err  error
}

// Error returns "file:line: what is wrong", safe to show on a terminal.
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %v", display(e.File), e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", display(e.File), e.Line, e.Err)
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// display returns a file name, quoted if a terminal might act upon it.
func display(file string) string {
	if checkText(file) != nil {
		return strconv.Quote(file)
	}
	return file
}

// A parser reads one trace. Each method handles one line and returns what is
// wrong with it; Parse adds the place.
type parser struct {
	t    *Trace
	line int                // number of the current line, from 1
	seen [len(sections)]int // line of each section, 0 if none
	last int                // index of the section that was started last, -1 before the first
	text int                // bytes so far, but for the lines of the schedule
}

// Parse reads a trace. The name is only for messages. Every error is an [*Error];
// the input may be anything, see the package documentation.
func Parse(name string, data []byte) (*Trace, error) {
	if err := checkFileSize(len(data)); err != nil {
		return nil, &Error{name, 0, err}
	}
	p := parser{t: new(Trace), last: -1}
	for rest := string(data); rest != "" || p.line == 0; {
		text, after, ended := strings.Cut(rest, "\n")
		p.line++
		err := p.parseLine(text)
		if err == nil && !ended {
			err = errors.New("the last line has no LF: is the file cut short?")
		}
		if err != nil {
			return nil, &Error{name, p.line, err}
		}
		rest = after
	}
	if err := p.finish(); err != nil {
		return nil, &Error{name, p.line, err}
	}
	// Aligned columns can make a trace larger than what was read.
	if _, err := p.t.encode(); err != nil {
		return nil, &Error{name, 0, err}
	}
	return p.t, nil
}

func (p *parser) parseLine(text string) error {
	if len(text) > MaxLine {
		return fmt.Errorf("line has %d bytes, limit %d", len(text), MaxLine)
	}
	if err := checkText(text); err != nil {
		return err
	}
	if p.line == 1 {
		return parseHeader(text)
	}
	if p.section() != "schedule" || text == "" || text[0] != ' ' {
		p.text += len(text) + 1
		if err := checkTextSize(p.text); err != nil {
			return err
		}
	}
	fields := strings.Fields(text)
	switch {
	case len(fields) == 0:
		return nil
	case fields[0][0] == '#':
		return p.parseComment(text)
	case text[0] == ' ':
		return p.parseEntry(fields)
	}
	return p.parseSection(fields[0], fields[1:])
}

func parseHeader(text string) error {
	if text == header {
		return nil
	}
	if version, ok := strings.CutPrefix(text, "simtrace v"); ok && decimal(version) {
		return fmt.Errorf("simtrace v%s: %w", version, ErrVersion)
	}
	return fmt.Errorf("not a trace: want %q, have %s", header, quote(text))
}

func (p *parser) parseComment(text string) error {
	if p.last >= 0 || text[0] != '#' {
		return errors.New("a comment here would be lost: comments come right after line 1")
	}
	text = strings.TrimRight(strings.TrimPrefix(text[1:], " "), " ")
	p.t.Story = append(p.t.Story, text)
	return checkCount("comment lines", len(p.t.Story), MaxEntries)
}

// parseSection handles a line that starts with the name of a section.
func (p *parser) parseSection(word string, args []string) error {
	i := slices.Index(sections[:], word)
	switch {
	case i < 0:
		return fmt.Errorf("unknown section %s: there are %s", quote(word), strings.Join(sections[:], ", "))
	case p.seen[i] != 0 && word != "kills":
		return fmt.Errorf("second %s: the first is on line %d", word, p.seen[i])
	case i < p.last:
		return fmt.Errorf("%s after %s: the order is %s", word, sections[p.last], strings.Join(sections[:], ", "))
	}
	if err := p.leaveSection(); err != nil {
		return err
	}
	p.last, p.seen[i] = i, p.line
	switch word {
	case "scenario":
		return p.parseScenario(args)
	case "config":
		return p.parseConfig(args)
	case "want":
		return p.parseWant(args)
	case "kills":
		return p.parseKills(args)
	case "digest":
		return p.parseDigest(args)
	}
	if len(args) > 0 { // workload and schedule are headings
		return fmt.Errorf("%s stands alone on its line, has %s", word, quote(args[0]))
	}
	return nil
}

// leaveSection refuses an empty workload or schedule: two ways to say the same
// would make a trace look unfinished.
func (p *parser) leaveSection() error {
	var entries int
	switch p.section() {
	case "workload":
		entries = len(p.t.Workload)
	case "schedule":
		entries = len(p.t.Schedule)
	default:
		return nil
	}
	if entries == 0 {
		return fmt.Errorf("the %s on line %d is empty: leave it out", p.section(), p.seen[p.last])
	}
	return nil
}

func (p *parser) section() string {
	if p.last < 0 {
		return ""
	}
	return sections[p.last]
}

func (p *parser) parseScenario(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("scenario takes one name, has %d", len(args))
	}
	p.t.Scenario = args[0]
	return checkName("scenario", args[0])
}

func (p *parser) parseConfig(args []string) error {
	if len(args) == 0 {
		return errors.New("the config is empty: leave it out")
	}
	for _, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok {
			return fmt.Errorf("config %s is not key=value", quote(arg))
		}
		p.t.Config = append(p.t.Config, KV{key, value})
	}
	return checkConfig(p.t.Config)
}

// parseEntry handles an indented line.
func (p *parser) parseEntry(fields []string) error {
	switch p.section() {
	case "workload":
		return p.parseOp(fields)
	case "schedule":
		return p.parseIntervention(fields)
	}
	return errors.New("an indented line belongs to a workload or a schedule")
}

func (p *parser) parseOp(fields []string) error {
	if len(fields) < 2 {
		return fmt.Errorf("process %s has no verb: want process verb [argument ...]", quote(fields[0]))
	}
	op := Op{Proc: fields[0], Verb: fields[1], Args: list(fields[2:])}
	if err := op.check(); err != nil {
		return err
	}
	p.t.Workload = append(p.t.Workload, op)
	return checkCount("operations", len(p.t.Workload), MaxEntries)
}

func (p *parser) parseIntervention(fields []string) error {
	if len(fields) < 6 || fields[1] != "@" || fields[4][0] != '#' {
		return errors.New("not an intervention: want task @ name op #nth effect [argument]")
	}
	nth, err := parseNumber("#", fields[4][1:], 1)
	if err != nil {
		return err
	}
	effect, err := exec.ParseEffect(fields[5:])
	if err != nil {
		return err
	}
	v := exec.Intervention{Task: fields[0], Name: fields[2], Op: fields[3], Nth: nth, Effect: effect}
	if err := checkIntervention(v); err != nil {
		return err
	}
	p.t.Schedule = append(p.t.Schedule, v)
	return checkCount("interventions", len(p.t.Schedule), MaxSchedule)
}

func (p *parser) parseWant(args []string) error {
	switch {
	case len(args) == 1 && args[0] == Pass:
		p.t.Want = Pass
		return nil
	case len(args) == 2 && args[0] == "violation":
		p.t.Want = args[1]
		return checkProperty(args[1])
	}
	return fmt.Errorf("want %s is neither %q nor %q", quote(strings.Join(args, " ")), "pass", "violation PROPERTY")
}

func (p *parser) parseKills(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("kills takes a mutant and a property, has %d words", len(args))
	}
	p.t.Kills = append(p.t.Kills, Kill{args[0], args[1]})
	return checkKill(p.t.Kills, p.t.Want)
}

func (p *parser) parseDigest(args []string) error {
	if len(args) != 2 || !strings.HasPrefix(args[1], "steps=") {
		return errors.New("digest takes 16 hexadecimal digits and steps=N")
	}
	hex := args[0]
	if len(hex) != 16 || strings.Trim(hex, "0123456789abcdef") != "" {
		return fmt.Errorf("digest %s is not 16 hexadecimal digits in lower case", quote(hex))
	}
	digest, err := strconv.ParseUint(hex, 16, 64)
	if err != nil {
		panic("trace: 16 hexadecimal digits do not fit 64 bits: " + err.Error())
	}
	p.t.Digest = digest
	p.t.Steps, err = parseNumber("steps=", strings.TrimPrefix(args[1], "steps="), 0)
	return err
}

// finish checks what only the end of the file shows.
func (p *parser) finish() error {
	if err := p.leaveSection(); err != nil {
		return err
	}
	for i, word := range sections {
		required := word == "scenario" || word == "want" || word == "digest"
		if required && p.seen[i] == 0 {
			return fmt.Errorf("the trace ends without %s", word)
		}
	}
	return nil
}

// list returns nil for an empty list: a Trace has one form.
func list(args []string) []string {
	if len(args) == 0 {
		return nil
	}
	return args
}
