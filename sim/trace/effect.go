package trace

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The effects of an intervention. "The access" is the one it is anchored at,
// "the task" the one that is about to make it.
const (
	EffectSwitch   = "->"       // -> TASK: that task goes on instead
	EffectKill     = "kill"     // the task's process dies before the access
	EffectStop     = "stop"     // the task's process stops until a resume
	EffectResume   = "resume"   // resume PROCESS: that stopped process goes on
	EffectSpurious = "spurious" // the wait returns though nobody rang
	EffectFail     = "fail"     // fail ERRNO: the call fails
	EffectDelay    = "delay"    // delay N: the message or ring is held back
	EffectShort    = "short"    // short N: the message is cut short
	EffectJump     = "jump"     // the clock jumps to the next timer
	EffectHostile  = "hostile"  // hostile VALUE: a hostile peer sets the word
	EffectDraw     = "="        // = N: the value drawn is N
)

// An effectRule is an effect and what its one argument looks like; check is nil
// when there is none.
type effectRule struct {
	word, argument string
	check          func(string) error
}

var effects = []effectRule{
	{EffectSwitch, "a task", checkTask},
	{EffectKill, "", nil},
	{EffectStop, "", nil},
	{EffectResume, "a process", checkProcess},
	{EffectSpurious, "", nil},
	{EffectFail, "an errno", checkErrno},
	{EffectDelay, "a number", checkDecimal},
	{EffectShort, "a number", checkDecimal},
	{EffectJump, "", nil},
	{EffectHostile, "a value", checkValue},
	{EffectDraw, "a number", checkDecimal},
}

func checkEffect(word string, args []string) error {
	i := slices.IndexFunc(effects, func(e effectRule) bool { return e.word == word })
	if i < 0 {
		words := make([]string, len(effects))
		for i, e := range effects {
			words[i] = e.word
		}
		return fmt.Errorf("unknown effect %s: there are %s", quote(word), strings.Join(words, ", "))
	}
	e := effects[i]
	switch {
	case e.check == nil && len(args) > 0:
		return fmt.Errorf("effect %q takes no argument, has %s", word, quote(args[0]))
	case e.check == nil:
		return nil
	case len(args) == 0:
		return fmt.Errorf("effect %q needs %s", word, e.argument)
	case len(args) > 1:
		return fmt.Errorf("effect %q takes one argument, has %s too", word, quote(args[1]))
	}
	if err := e.check(args[0]); err != nil {
		return fmt.Errorf("effect %q: %w", word, err)
	}
	return nil
}

func checkTask(arg string) error    { return checkName("task", arg) }
func checkProcess(arg string) error { return checkName("process", arg) }

// checkErrno does not look the name up: which failures a call can have is known
// to what simulates it, and a flag like MSG_CTRUNC is one of them.
func checkErrno(arg string) error {
	if arg == "" || arg[0] < 'A' || arg[0] > 'Z' || strings.Trim(arg, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		return fmt.Errorf("errno %s is not a name like EINTR", quote(arg))
	}
	if len(arg) > MaxName {
		return fmt.Errorf("errno %s has %d bytes, limit %d", quote(arg), len(arg), MaxName)
	}
	return nil
}

func checkDecimal(arg string) error {
	if !decimal(arg) {
		return fmt.Errorf("%s is not a plain decimal number", quote(arg))
	}
	return check64(arg, 10, arg)
}

// checkValue accepts one spelling for each base: a value in hexadecimal reads
// better when it is an address or a mask.
func checkValue(arg string) error {
	hex, ok := strings.CutPrefix(arg, "0x")
	if !ok {
		return checkDecimal(arg)
	}
	if hex != "0" && (hex == "" || hex[0] == '0' || strings.Trim(hex, "0123456789abcdef") != "") {
		return fmt.Errorf("%s is not a plain hexadecimal number in lower case", quote(arg))
	}
	return check64(hex, 16, arg)
}

func check64(digits string, base int, arg string) error {
	if _, err := strconv.ParseUint(digits, base, 64); errors.Is(err, strconv.ErrRange) {
		return fmt.Errorf("%s does not fit 64 bits", quote(arg))
	}
	return nil
}
