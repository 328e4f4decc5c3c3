package exec

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestEffects: each kind of effect as a trace writes it, and what it is.
func TestEffects(t *testing.T) {
	for _, tt := range []struct {
		effect Effect
		text   string
		fault  bool
	}{
		{Effect{Kind: Switch, Target: "cons"}, "-> cons", false},
		{Effect{Kind: Value, Arg: 3}, "= 3", false},
		{Effect{Kind: Kill}, "kill", true},
		{Effect{Kind: Stop}, "stop", true},
		{Effect{Kind: Resume, Target: "p"}, "resume p", true},
		{Effect{Kind: AdvanceClock}, "advance-clock", true},
		{Effect{Kind: CorruptRead, Arg: 1<<20 - 1}, "corrupt-read 1048575", true},
		{Effect{Kind: CorruptRead, Arg: 1 << 20}, "corrupt-read 0x100000", true},
		{Effect{Kind: Spurious}, "spurious", true},
		{Effect{Kind: Delay, Arg: 1 << 30}, "delay 1073741824", true},
		{Effect{Kind: Fail, Target: "ENOMEM"}, "fail ENOMEM", true},
		{Effect{Kind: Truncate}, "truncate", true},
	} {
		if got := tt.effect.String(); got != tt.text || tt.effect.Kind.Fault() != tt.fault {
			t.Errorf("%q, fault %v, want %q, %v", got, tt.effect.Kind.Fault(), tt.text, tt.fault)
		}
		if got, err := ParseEffect(strings.Fields(tt.text)); err != nil || got != tt.effect {
			t.Errorf("%q: %+v, %v", tt.text, got, err)
		}
	}
	if (Effect{}).Kind.Fault() || NumKinds.Fault() || NumKinds.String() != "unknown" || NumKinds.Target() != "" || NumKinds.Number() {
		t.Error("a kind that is none")
	}
}

func TestParseEffectRoundTrip(t *testing.T) {
	name := rapid.StringMatching("[a-z][a-z0-9.-]{0,9}")
	rapid.Check(t, func(t *rapid.T) {
		e := Effect{Kind: Kind(rapid.IntRange(int(Switch), int(NumKinds)-1).Draw(t, "kind"))}
		switch e.Kind.Target() {
		case "task", "process":
			e.Target = name.Draw(t, "target")
		case "errno":
			e.Target = rapid.StringMatching("[A-Z][A-Z0-9_]{0,9}").Draw(t, "errno")
		}
		if e.Kind.Number() {
			e.Arg = rapid.Uint64().Draw(t, "arg")
		}
		if back, err := ParseEffect(e.Words()); err != nil || back != e {
			t.Fatalf("%+v as %q is read as %+v, %v", e, e.Words(), back, err)
		}
	})
}

// TestParseEffectAnything: what is accepted is written as it was read, and anything else is an error.
func TestParseEffectAnything(t *testing.T) {
	word := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"->", "=", "kill", "delay", "corrupt-read", "fail", "0x1", "0", "00", "0X1", "-1", "ENOMEM", "continue"}))
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(word, 0, 4).Draw(t, "words")
		e, err := ParseEffect(words)
		// A number has two forms only where it is the value of a word.
		if err == nil && e.Kind != CorruptRead && !slices.Equal(e.Words(), words) {
			t.Fatalf("%q is read as %q", words, e.Words())
		}
	})
}

func TestParseEffectErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "no effect",
		"continue":                          `unknown effect "continue": there are ->, =, kill, stop, resume, advance-clock, corrupt-read, spurious, delay, fail, truncate`,
		"explode":                           `unknown effect "explode"`,
		"kill a":                            `effect "kill" takes no argument, has "a"`,
		"->":                                `effect "->" needs a task`,
		"resume":                            `effect "resume" needs a process`,
		"fail":                              `effect "fail" needs an errno`,
		"=":                                 `effect "=" needs a number`,
		"corrupt-read":                      `effect "corrupt-read" needs a value`,
		"-> a b":                            `effect "->" takes one argument, has "b" too`,
		"fail enomem":                       `errno "enomem" is not a name like EINTR`,
		"fail E-":                           `errno "E-" is not a name like EINTR`,
		"= 0x1":                             `"0x1" is not a plain decimal number`,
		"= +1":                              `"+1" is not a plain decimal number`,
		"= 01":                              `"01" is not a plain decimal number`,
		"corrupt-read 0xA":                  `"0xA" is not a plain hexadecimal number in lower case`,
		"corrupt-read 0x":                   `"0x" is not a plain hexadecimal number in lower case`,
		"corrupt-read 18446744073709551616": `"18446744073709551616" does not fit 64 bits`,
	} {
		if _, err := ParseEffect(strings.Fields(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
