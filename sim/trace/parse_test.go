package trace_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"cutthrough/sim/exec"
	"cutthrough/sim/trace"
)

const order = "scenario, config, workload, schedule, want, kills, digest"

// malformed is a list of edits of the design trace, each of which spoils it.
// Without old, the new text is the whole input.
var malformed = []struct{ name, old, new, want string }{
	// The file and its first line.
	{"empty", "", "", `x:1: not a trace: want "simtrace v1", have ""`},
	{"only LF", "", "\n", `x:1: not a trace: want "simtrace v1", have ""`},
	{"another file", "", "#!/bin/sh\n", `x:1: not a trace: want "simtrace v1", have "#!/bin/sh"`},
	{"version 2", "simtrace v1", "simtrace v2", `x:1: simtrace v2: this build reads v1`},
	{"version 10", "simtrace v1", "simtrace v10", `x:1: simtrace v10: this build reads v1`},
	{"version 1.1", "simtrace v1", "simtrace v1.1", `x:1: not a trace: want "simtrace v1", have "simtrace v1.1"`},
	{"header with a tail", "simtrace v1", "simtrace v1 ", `x:1: not a trace: want "simtrace v1", have "simtrace v1 "`},
	{"byte order mark", "simtrace v1", "\uFEFFsimtrace v1", `x:1: invisible character U+FEFF at column 1`},
	{"only the header", "", "simtrace v1\n", `x:1: the trace ends without scenario`},
	{"cut in a number", "steps=17\n", "steps=1", `x:16: the last line has no LF: is the file cut short?`},
	{"cut in the header", "", "simtrace v1", `x:1: the last line has no LF: is the file cut short?`},

	// Characters.
	{"CRLF", "prod  write 1\n", "prod  write 1\r\n", `x:9: carriage return at column 16: lines end in LF alone`},
	{"CR alone", "want      pass\n", "want pass\r", `x:14: carriage return at column 10: lines end in LF alone`},
	{"tab", "  prod  write", "\tprod  write", `x:9: tab at column 1: use spaces`},
	{"NUL", "fifo=64", "fifo=6\x00", `x:7: control character U+0000 at column 17`},
	{"invalid UTF-8", "The story", "The \xff story", `x:2: byte 0xff at column 7 is not UTF-8`},
	{"truncated UTF-8", "sentences.", "\xe2\x82", `x:2: byte 0xe2 at column 29 is not UTF-8`},
	{"surrogate", "The story", "\xed\xa0\x80", `x:2: byte 0xed at column 3 is not UTF-8`},
	{"line separator", "The story", "The\u2028story", `x:2: invisible character U+2028 at column 6`},
	{"no-break space", "The story", "The\u00a0story", `x:2: invisible character U+00A0 at column 6`},

	// Comments.
	{"late comment", "workload\n", "# a note\nworkload\n", `x:8: a comment here would be lost: comments come right after line 1`},
	{"indented comment", "  cons  read 1\n", "  # a note\n", `x:10: a comment here would be lost: comments come right after line 1`},
	{"indented early comment", "# The", "  # The", `x:2: a comment here would be lost: comments come right after line 1`},

	// Sections.
	{"unknown section", "config ", "setup ", `x:7: unknown section "setup": there are ` + order},
	{"capital", "want   ", "Want   ", `x:14: unknown section "Want": there are ` + order},
	{"second scenario", "config ", "scenario b\nconfig ", `x:7: second scenario: the first is on line 6`},
	{"second workload", "schedule\n", "workload\nschedule\n", `x:11: second workload: the first is on line 8`},
	{"second schedule", "want   ", "schedule\nwant   ", `x:14: second schedule: the first is on line 11`},
	{"second want", "kills ", "want pass\nkills ", `x:15: second want: the first is on line 14`},
	{"second digest", "steps=17\n", "steps=17\ndigest cea048bd048ca705 steps=17\n", `x:17: second digest: the first is on line 16`},
	{"order", "scenario  fifo-stream\nconfig    fifo=64", "config fifo=64\nscenario fifo-stream\nconfig fifo=64", `x:7: scenario after config: the order is ` + order},
	{"kills after digest", "steps=17\n", "steps=17\nkills a b\n", `x:17: kills after digest: the order is ` + order},
	{"trailing garbage", "steps=17\n", "steps=17\ngarbage\n", `x:17: unknown section "garbage": there are ` + order},
	{"trailing entry", "steps=17\n", "steps=17\n  prod write 1\n", `x:17: an indented line belongs to a workload or a schedule`},
	{"early entry", "scenario ", "  prod write 1\nscenario ", `x:6: an indented line belongs to a workload or a schedule`},
	{"indented section", "want   ", "  want   ", `x:14: not an intervention: want task @ name op #nth effect [argument]`},
	{"no scenario", "scenario  fifo-stream\n", "", `x:15: the trace ends without scenario`},
	{"no want", "want      pass\n", "", `x:15: the trace ends without want`},
	{"no digest", "digest    cea048bd048ca705  steps=17\n", "", `x:15: the trace ends without digest`},
	{"empty workload", "  prod  write 1\n  cons  read 1\n", "", `x:9: the workload on line 8 is empty: leave it out`},
	{"empty schedule", "", "simtrace v1\nscenario s\nschedule\n\n", `x:4: the schedule on line 3 is empty: leave it out`},
	{"heading with a word", "workload\n", "workload prod write 1\n", `x:8: workload stands alone on its line, has "prod"`},

	// Scenario and config.
	{"scenario without name", "scenario  fifo-stream", "scenario", `x:6: scenario takes one name, has 0`},
	{"scenario with two", "scenario  fifo-stream", "scenario fifo stream", `x:6: scenario takes one name, has 2`},
	{"scenario like a flag", "fifo-stream", "--help", `x:6: scenario "--help" starts with '-': a name starts with a letter, digit or underscore`},
	{"homoglyph", "fifo-stream", "fif\u043e-stream", `x:6: scenario "fifо-stream": 'о' is not allowed in a name`},
	{"long name", "fifo-stream", strings.Repeat("n", 65), `x:6: scenario "` + strings.Repeat("n", 40) + `"... has 65 bytes, limit 64`},
	{"config without keys", "config    fifo=64 procs=prod,cons", "config", `x:7: the config is empty: leave it out`},
	{"config without =", "fifo=64", "fifo:64", `x:7: config "fifo:64" is not key=value`},
	{"config without key", "fifo=64", "=64", `x:7: config key is empty`},
	{"config without value", "fifo=64", "fifo=", `x:7: fifo: config value is empty`},
	{"config spaced", "fifo=64", "fifo = 64", `x:7: config "fifo" is not key=value`},
	{"config value not ASCII", "fifo=64", "fifo=６4", `x:7: fifo: config value "６4": '６' is not printable ASCII`},
	{"config key twice", "procs=", "fifo=", `x:7: config key "fifo" is set twice`},

	// Workload and schedule.
	{"no verb", "prod  write 1", "prod", `x:9: process "prod" has no verb: want process verb [argument ...]`},
	{"bad process", "prod  write 1", "pr@d write 1", `x:9: process "pr@d": '@' is not allowed in a name`},
	{"bad verb", "prod  write 1", "prod wr$te 1", `x:9: verb "wr$te": '$' is not allowed in a name`},
	{"bad argument", "prod  write 1", "prod write é", `x:9: argument "é": 'é' is not printable ASCII`},
	{"long bad argument", "prod  write 1", "prod write x" + strings.Repeat("é", 40), `x:9: argument "x` + strings.Repeat("é", 19) + `"...: 'é' is not printable ASCII`},
	{"no effect", "#1  -> cons", "#1", `x:12: not an intervention: want task @ name op #nth effect [argument]`},
	{"no @", "prod  @ fifo", "prod  fifo", `x:12: not an intervention: want task @ name op #nth effect [argument]`},
	{"another word for @", "prod  @ fifo", "prod  at fifo", `x:12: not an intervention: want task @ name op #nth effect [argument]`},
	{"no #", "#1  -> cons", "1 -> cons", `x:12: not an intervention: want task @ name op #nth effect [argument]`},
	{"step index", "  prod  @ fifo.tail store  #1  -> cons", "  17 prod", `x:12: not an intervention: want task @ name op #nth effect [argument]`},
	{"bad task", "prod  @", "<prod>  @", `x:12: task "<prod>": '<' is not allowed in a name`},
	{"bad access name", "fifo.tail", "fifo&tail", `x:12: access name "fifo&tail": '&' is not allowed in a name`},
	{"bad operation", "fifo.tail store", "fifo.tail .", `x:12: operation "." starts with '.': a name starts with a letter, digit or underscore`},
	{"nth 0", "#1  -> cons", "#0  -> cons", `x:12: "#0" is not between 1 and 1000000000`},
	{"nth negative", "#1  -> cons", "#-1  -> cons", `x:12: "#-1" is not a plain decimal number`},
	{"nth missing", "#1  -> cons", "#  -> cons", `x:12: "#" is not a plain decimal number`},
	{"nth padded", "#1  -> cons", "#01  -> cons", `x:12: "#01" is not a plain decimal number`},
	{"nth large", "#1  -> cons", "#1000000001  -> cons", `x:12: "#1000000001" is not between 1 and 1000000000`},
	{"nth huge", "#1  -> cons", "#99999999999999999999 -> cons", `x:12: "#99999999999999999999" is not between 1 and 1000000000`},

	// Effects.
	{"unknown effect", "-> cons", "explode", `x:12: unknown effect "explode": there are ->, =, kill, stop, resume, advance-clock, corrupt-read, spurious, delay, fail, truncate`},
	{"glued switch", "-> cons", "->cons", `x:12: unknown effect "->cons": there are ->, =, kill, stop, resume, advance-clock, corrupt-read, spurious, delay, fail, truncate`},
	{"switch without a task", "-> cons", "->", `x:12: effect "->" needs a task`},
	{"switch to two", "-> cons", "-> cons prod", `x:12: effect "->" takes one argument, has "prod" too`},
	{"switch to no name", "-> cons", "-> #1", `x:12: effect "->": task "#1": '#' is not allowed in a name`},
	{"kill with a task", "-> cons", "kill cons", `x:12: effect "kill" takes no argument, has "cons"`},
	{"stop with a task", "-> cons", "stop cons", `x:12: effect "stop" takes no argument, has "cons"`},
	{"resume without a process", "-> cons", "resume", `x:12: effect "resume" needs a process`},
	{"resume no name", "-> cons", "resume @", `x:12: effect "resume": process "@": '@' is not allowed in a name`},
	{"spurious wake", "-> cons", "spurious wake", `x:12: effect "spurious" takes no argument, has "wake"`},
	{"fail without errno", "-> cons", "fail", `x:12: effect "fail" needs an errno`},
	{"fail with lower case", "-> cons", "fail eintr", `x:12: effect "fail": errno "eintr" is not a name like EINTR`},
	{"fail with a number", "-> cons", "fail 4", `x:12: effect "fail": errno "4" is not a name like EINTR`},
	{"fail with a long name", "-> cons", "fail " + strings.Repeat("E", 65), `x:12: effect "fail": errno "` + strings.Repeat("E", 40) + `"... has 65 bytes, limit 64`},
	{"delay with a unit", "-> cons", "delay 3ms", `x:12: effect "delay": "3ms" is not a plain decimal number`},
	{"truncate with a number", "-> cons", "truncate 1", `x:12: effect "truncate" takes no argument, has "1"`},
	{"advance with a number", "-> cons", "advance-clock 3", `x:12: effect "advance-clock" takes no argument, has "3"`},
	{"corrupt without value", "-> cons", "corrupt-read", `x:12: effect "corrupt-read" needs a value`},
	{"corrupt upper case", "-> cons", "corrupt-read 0xFF", `x:12: effect "corrupt-read": "0xFF" is not a plain hexadecimal number in lower case`},
	{"corrupt padded", "-> cons", "corrupt-read 0x00ff", `x:12: effect "corrupt-read": "0x00ff" is not a plain hexadecimal number in lower case`},
	{"corrupt bare prefix", "-> cons", "corrupt-read 0x", `x:12: effect "corrupt-read": "0x" is not a plain hexadecimal number in lower case`},
	{"corrupt 65 bits", "-> cons", "corrupt-read 0x10000000000000000", `x:12: effect "corrupt-read": "0x10000000000000000" does not fit 64 bits`},
	{"draw 65 bits", "-> cons", "= 18446744073709551616", `x:12: effect "=": "18446744073709551616" does not fit 64 bits`},

	// Want, kills, digest.
	{"want nothing", "want      pass", "want", `x:14: want "" is neither "pass" nor "violation PROPERTY"`},
	{"want failure", "want      pass", "want failure", `x:14: want "failure" is neither "pass" nor "violation PROPERTY"`},
	{"want any violation", "want      pass", "want violation", `x:14: want "violation" is neither "pass" nor "violation PROPERTY"`},
	{"want two violations", "want      pass", "want violation A B", `x:14: want "violation A B" is neither "pass" nor "violation PROPERTY"`},
	{"want violation pass", "want      pass", "want violation pass", `x:14: "pass" is not a property`},
	{"kills without property", "skip-recheck  NoDeadlock", "skip-recheck", `x:15: kills takes a mutant and a property, has 1 words`},
	{"kills with pass", "skip-recheck  NoDeadlock", "skip-recheck pass", `x:15: "pass" is not a property`},
	{"kills a path", "skip-recheck  NoDeadlock", "a/../../b NoDeadlock", `x:15: mutant "a/../../b": a slash is not allowed, the name becomes a file name`},
	{"kills a parent", "skip-recheck  NoDeadlock", ".. NoDeadlock", `x:15: mutant ".." starts with '.': a name starts with a letter, digit or underscore`},
	{"kills twice", "kills     skip-recheck  NoDeadlock\n", "kills m A\nkills m B\nkills m A\n", `x:17: mutant m: A is claimed twice`},
	{"kills what is dead", "want      pass\nkills     skip-recheck", "want violation NoDeadlock\nkills skip-recheck", `x:15: mutant skip-recheck: NoDeadlock is violated without the mutant already`},
	{"digest without steps", "  steps=17", "", `x:16: digest takes 16 hexadecimal digits and steps=N`},
	{"digest with steps first", "cea048bd048ca705  steps=17", "steps=17 cea048bd048ca705", `x:16: digest takes 16 hexadecimal digits and steps=N`},
	{"digest short", "cea048bd048ca705", "cea048bd048ca70", `x:16: digest "cea048bd048ca70" is not 16 hexadecimal digits in lower case`},
	{"digest upper case", "cea048bd048ca705", "CEA048BD048CA705", `x:16: digest "CEA048BD048CA705" is not 16 hexadecimal digits in lower case`},
	{"digest with prefix", "cea048bd048ca705", "0xa048bd048ca705", `x:16: digest "0xa048bd048ca705" is not 16 hexadecimal digits in lower case`},
	{"steps negative", "steps=17", "steps=-17", `x:16: "steps=-17" is not a plain decimal number`},
	{"steps missing", "steps=17", "steps=", `x:16: "steps=" is not a plain decimal number`},
	{"steps large", "steps=17", "steps=1000000001", `x:16: "steps=1000000001" is not between 0 and 1000000000`},

	// Limits, one past each.
	{"long line", "The story", strings.Repeat("x", trace.MaxLine), `x:2: line has 4125 bytes, limit 4096`},
	{"many comments", "# The", strings.Repeat("#\n", trace.MaxEntries-3) + "# The", `x:10002: more than 10000 comment lines`},
	{"many operations", "  prod  write 1\n", strings.Repeat("  p w\n", trace.MaxEntries+1), `x:10009: more than 10000 operations`},
	{"many interventions", "schedule\n", "schedule\n" + strings.Repeat("  p @ n o #1 kill\n", trace.MaxSchedule+1), `x:100012: more than 100000 interventions`},
	{"many keys", "fifo=64", numbered("k%d=1 ", trace.MaxConfig), `x:7: more than 64 config keys`},
	{"many kills", "kills ", numbered("kills m%d P\n", trace.MaxKills) + "kills ", `x:79: more than 64 kills lines`},
	{"large file", "# The", strings.Repeat("# "+strings.Repeat("x", 247)+"\n", 1<<20/250+1) + "# The", `x:4196: 1048750 bytes besides the schedule, limit 1048576`},
	{"large schedule", "schedule\n", "schedule\n" + strings.Repeat("  p @ n o #1 kill"+strings.Repeat(" ", 1000)+"\n", trace.MaxFile/1000), `x: 42698386 bytes, limit 41943040`},
	{"large when aligned", "  prod  write 1\n", "  " + strings.Repeat("p", 64) + " w\n" + strings.Repeat("  p w "+strings.Repeat("x", 50)+"\n", 9_000),
		`x: in canonical form: 1089448 bytes besides the schedule, limit 1048576`},
	{"long when aligned", "config    fifo=64 procs=prod,cons", "config k=" + strings.Repeat("x", trace.MaxLine-9),
		`x: in canonical form: line "config    k=xxxxxxxxxxxxxxxxxxxxxxxxxxxx"... has 4099 bytes, limit 4096`},
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func TestMalformed(t *testing.T) {
	text := string(read(t, "testdata/canonical/design.trace"))
	for _, c := range malformed {
		t.Run(c.name, func(t *testing.T) {
			input := c.new
			if c.old != "" {
				if strings.Count(text, c.old) == 0 {
					t.Fatalf("%q is not in the trace", c.old)
				}
				input = strings.Replace(text, c.old, c.new, 1)
			}
			got, err := trace.Parse("x", []byte(input))
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			if got != nil {
				t.Error("an error and a trace")
			}
			if _, ok := errors.AsType[*trace.Error](err); !ok {
				t.Errorf("error is a %T", err)
			}
		})
	}
}

func TestErrVersion(t *testing.T) {
	if _, err := trace.Parse("x", []byte("simtrace v2\n")); !errors.Is(err, trace.ErrVersion) {
		t.Errorf("v2: %v", err)
	}
	if _, err := trace.Parse("x", []byte("simtrace\n")); errors.Is(err, trace.ErrVersion) {
		t.Errorf("no version: %v", err)
	}
}

// The limits themselves are fine.
func TestLimits(t *testing.T) {
	op := trace.Op{Proc: strings.Repeat("p", trace.MaxName), Verb: "w"}
	tr := &trace.Trace{Scenario: "s", Want: trace.Pass, Steps: trace.MaxNumber}
	for i := range trace.MaxEntries {
		tr.Story = append(tr.Story, "")
		tr.Workload = append(tr.Workload, op)
		tr.Story[i] = strings.Repeat("s", 1+i%20)
	}
	name := strings.Repeat("n", trace.MaxName)
	for i := range trace.MaxSchedule {
		tr.Schedule = append(tr.Schedule, exec.Intervention{
			Task: name, Name: name, Op: name, Nth: trace.MaxNumber - i, Effect: exec.Effect{Kind: exec.Switch, Target: name},
		})
	}
	tr.Story[0] = strings.Repeat("x", trace.MaxLine-len("# "))
	for i := range trace.MaxConfig {
		tr.Config = append(tr.Config, trace.KV{Key: fmt.Sprint(i), Value: "v"})
	}
	for i := range trace.MaxKills {
		tr.Kills = append(tr.Kills, trace.Kill{Mutant: fmt.Sprint(i), Property: "P"})
	}
	text := trace.Format(tr)
	// Fill up to the last byte of the text with a story that has no line too long.
	lines := 0
	for line := range bytes.Lines(text) {
		if bytes.Contains(line, []byte("@")) {
			lines += len(line)
		}
	}
	for fill, i := trace.MaxText-(len(text)-lines), 1; fill > 0; i++ {
		n := min(fill, 4000)
		tr.Story[i] += strings.Repeat("y", n)
		fill -= n
	}
	if text = trace.Format(tr); len(text) != lines+trace.MaxText {
		t.Fatalf("built %d bytes", len(text))
	}
	back, err := trace.Parse("x", text)
	if err != nil || !reflect.DeepEqual(tr, back) {
		t.Errorf("the trace that was read differs, or %v", err)
	}
}

// shapes are inputs, twice as large as the text of a trace may be, that make a careless parser slow or greedy.
var shapes = []struct{ name, head, body string }{
	{"blank lines", "simtrace v1\n", "\n"},
	{"one line", "simtrace v1\n", "x"},
	{"comments", "simtrace v1\n", "#\n"},
	{"keys", "simtrace v1\nscenario s\nconfig ", "k=1 "},
	{"arguments", "simtrace v1\nscenario s\nworkload\n", "  p w" + strings.Repeat(" x", 2000) + "\n"},
	{"operations", "simtrace v1\nscenario s\nworkload\n", "  p w\n"},
	{"interventions", "simtrace v1\nscenario s\nschedule\n", "  p @ n o #1 kill\n"},
	{"kills", "simtrace v1\nscenario s\nwant pass\n", "kills m P\n"},
	{"wide column", "simtrace v1\nscenario s\nworkload\n  " + strings.Repeat("p", 64) + " w\n", "  p w " + strings.Repeat("x", 100) + "\n"},
}

func shape(head, body string) []byte {
	return []byte((head + strings.Repeat(body, 2*trace.MaxText/len(body)+1))[:2*trace.MaxText])
}

// TestBoundedMemory parses every shape: what is allocated is in proportion to the input.
func TestBoundedMemory(t *testing.T) {
	for _, s := range shapes {
		input := shape(s.head, s.body)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := trace.Parse("x", input); err == nil {
			t.Errorf("%s: no error", s.name)
		}
		runtime.ReadMemStats(&after)
		const limit = 64 * trace.MaxText
		if used := after.TotalAlloc - before.TotalAlloc; used > limit {
			t.Errorf("%s: %d bytes allocated, limit %d", s.name, used, limit)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, s := range shapes {
		input := shape(s.head, s.body)
		b.Run("shape="+strings.ReplaceAll(s.name, " ", "_"), func(b *testing.B) {
			b.SetBytes(int64(len(input)))
			for b.Loop() {
				trace.Parse("x", input)
			}
		})
	}
	text := trace.Format(design())
	b.Run("shape=design", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			trace.Parse("x", text)
		}
	})
}
