package trace_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"cutthrough/sim/trace"
)

// escapes are texts that a terminal, or a person looking at one, is fooled by.
var escapes = []string{
	"\x1b[31mred\x1b[0m",
	"\x1b[2J\x1b[H",                  // clear the screen
	"\x1b]0;title\x07",               // set the window title
	"\x1b]8;;http://evil/\x1b\\x",    // hyperlink
	"\x1b]52;c;cm0gLXJmIH4=\x07",     // write the clipboard
	"\x1bP+q544e\x1b\\",              // query the terminal, which types the answer
	"\u009b31m",                      // one-character CSI
	"\xc2\x9b31m",                    // the same, in bytes
	"\x9b31m",                        // the same, not UTF-8
	"pass\bfail",                     // backspace
	"want violation\rwant pass     ", // overwrite
	"\x00", "\x07", "\x0b", "\x0c", "\x7f", "\u0085",
	"\u202egnihton\u202c",               // right to left
	"\u2066x\u2069", "\u200f", "\u061c", // isolates and marks
	"a\u200bb", "a\u200db", "\u2060", // zero width
	"\u2028", "\u2029", "\u00ad", "\ufeff", "\ufff9",
	"\U000e0041", // tag character
	"\ue000",     // private use
	"\xff", "\xc0\xaf", "\xe2\x82", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80",
}

// markup is text that is fit for a terminal and unfit for a page, a shell or a workflow command.
var markup = []string{
	"<script>alert(1)</script>",
	"<img/src=x/onerror=alert(1)>",
	`"><svg/onload=alert(1)>`,
	"'-alert(1)-'",
	"</textarea><script>",
	"&lt;&#x3c;",
	"`${alert(1)}`",
	"{{7*7}}",
	"$(reboot)", ";reboot", "|reboot", "&reboot",
	"::error::x", "%0A::error::x",
	"../../etc/passwd", "/etc/passwd", "-rf", "--help",
	"%s%n", `\x1b[31m`,
}

// places are where a name or a word stands in a trace; %s is to be replaced.
var places = map[string]struct {
	text string
	name bool // a name, not a value or an argument
}{
	"scenario":  {"scenario %s", true},
	"key":       {"scenario s\nconfig %s=1", true},
	"value":     {"scenario s\nconfig k=%s", false},
	"process":   {"scenario s\nworkload\n %s w", true},
	"verb":      {"scenario s\nworkload\n p %s", true},
	"argument":  {"scenario s\nworkload\n p w %s", false},
	"task":      {"scenario s\nschedule\n %s @ n o #1 kill", true},
	"access":    {"scenario s\nschedule\n t @ %s o #1 kill", true},
	"operation": {"scenario s\nschedule\n t @ n %s #1 kill", true},
	"nth":       {"scenario s\nschedule\n t @ n o #%s kill", true},
	"effect":    {"scenario s\nschedule\n t @ n o #1 %s", true},
	"switch":    {"scenario s\nschedule\n t @ n o #1 -> %s", true},
	"errno":     {"scenario s\nschedule\n t @ n o #1 fail %s", true},
	"number":    {"scenario s\nschedule\n t @ n o #1 delay %s", true},
	"hostile":   {"scenario s\nschedule\n t @ n o #1 hostile %s", true},
	"property":  {"scenario s\nwant violation %s", true},
	"mutant":    {"scenario s\nwant pass\nkills %s P", true},
	"claim":     {"scenario s\nwant pass\nkills m %s", true},
	"digest":    {"scenario s\nwant pass\ndigest %s steps=0", true},
	"steps":     {"scenario s\nwant pass\ndigest 0000000000000000 steps=%s", true},
	"section":   {"scenario s\n%s", true},
	"header":    {"%s", true},
}

// showable fails the test when an error text is unfit for one line of a terminal.
func showable(t *testing.T, err error) {
	t.Helper()
	for _, r := range err.Error() {
		if !unicode.IsPrint(r) {
			t.Errorf("%U in the error text %q", r, err.Error())
		}
	}
	if n := len(err.Error()); n > 300 {
		t.Errorf("error text of %d bytes: %q", n, err.Error())
	}
}

func TestEscapesAreRefusedEverywhere(t *testing.T) {
	for place, p := range places {
		for _, escape := range escapes {
			_, err := trace.Parse("x", []byte("simtrace v1\n"+strings.Replace(p.text, "%s", escape, 1)+"\n"))
			if err == nil || !strings.Contains(err.Error(), " at column ") {
				t.Errorf("%s %q: %v", place, escape, err)
				continue
			}
			showable(t, err)
		}
	}
	for _, escape := range escapes {
		if _, err := trace.Parse("x", []byte("simtrace v1\n# "+escape+"\n")); err == nil || !strings.HasPrefix(err.Error(), "x:2: ") {
			t.Errorf("story %q: %v", escape, err)
		}
		tr := design()
		tr.Story = append(tr.Story, escape)
		if tr.Validate() == nil {
			t.Errorf("Validate accepts a story with %q", escape)
		}
	}
}

func TestMarkupIsRefusedInNames(t *testing.T) {
	for place, p := range places {
		for _, text := range markup {
			_, err := trace.Parse("x", []byte("simtrace v1\n"+strings.Replace(p.text, "%s", text, 1)+"\n"))
			if refused := err != nil && !strings.Contains(err.Error(), "ends without"); refused != p.name {
				t.Errorf("%s %q: %v", place, text, err)
				continue
			}
			showable(t, err)
		}
	}
}

// TestMarkupIsText keeps markup where any text may stand: the reader of a trace
// must see what is in the file, and escaping is up to what renders it.
func TestMarkupIsText(t *testing.T) {
	for _, text := range markup {
		want := design()
		want.Story = []string{text}
		want.Config[0].Value = text
		want.Workload[0].Args = []string{text}
		got, err := trace.Parse("x", trace.Format(want))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got.Story[0] != text || got.Config[0].Value != text || got.Workload[0].Args[0] != text {
			t.Errorf("%q came back as %+v", text, got)
		}
	}
}

func TestHostileFileNames(t *testing.T) {
	for _, name := range append([]string{"a\nb"}, escapes...) {
		_, err := trace.Parse(name, nil)
		showable(t, err)
		_, err = trace.ReadFile(t.TempDir() + "/" + name)
		if err == nil {
			t.Errorf("%q: no error", name)
			continue
		}
		showable(t, err)
		if e, ok := errors.AsType[*trace.Error](err); !ok || e.Line != 0 {
			t.Errorf("%q: %#v", name, err)
		}
		err = trace.WriteFile(t.TempDir()+"/missing/"+name, design())
		if err == nil {
			t.Errorf("%q: no error", name)
			continue
		}
		showable(t, err)
	}
}
