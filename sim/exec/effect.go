package exec

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Kind says what an [Effect] does.
type Kind uint8

// The kinds of effects. Continue is the default everywhere: the running task goes on and
// nothing fails. "The access" is the one that the running task is about to make.
const (
	Continue     Kind = iota
	Switch            // task Target runs instead
	Value             // a drawn value is Arg
	Kill              // the running task's process dies before the access
	Stop              // the running task's process stops before the access
	Resume            // the stopped process Target goes on
	AdvanceClock      // the clock advances to the next deadline or delayed arrival
	CorruptRead       // a hostile peer writes Arg to the word before the load
	Spurious          // the wait returns without a ring
	Delay             // the ring or message arrives later; Arg is how much, in units of the host
	Fail              // the call fails with the error named Target, such as ENOMEM
	Truncate          // the descriptors of the message are lost
	NumKinds
)

// argument says what a kind of effect takes as its argument.
type argument uint8

const (
	noArgument      argument = iota
	taskArgument             // the name of a task
	processArgument          // the name of a process
	errnoArgument            // the name of an error number
	countArgument            // a number, written in decimal
	wordArgument             // the value of a word, written in decimal or hexadecimal
)

var kinds = [NumKinds]struct {
	word string
	arg  argument
}{
	Continue: {"continue", noArgument}, Switch: {"->", taskArgument}, Value: {"=", countArgument},
	Kill: {"kill", noArgument}, Stop: {"stop", noArgument}, Resume: {"resume", processArgument},
	AdvanceClock: {"advance-clock", noArgument}, CorruptRead: {"corrupt-read", wordArgument},
	Spurious: {"spurious", noArgument}, Delay: {"delay", countArgument}, Fail: {"fail", errnoArgument},
	Truncate: {"truncate", noArgument},
}

// String returns the word used in traces.
func (k Kind) String() string {
	if k < NumKinds {
		return kinds[k].word
	}
	return "unknown"
}

// Fault says whether the effect is something that the environment does to the program, as opposed
// to an order of steps or a drawn value.
func (k Kind) Fault() bool { return k >= Kill && k < NumKinds }

// Target returns what the Target of an effect of this kind is the name of: a "task", a "process" or an "errno"; or "" if
// the kind has none.
func (k Kind) Target() string {
	switch k.argument() {
	case taskArgument:
		return "task"
	case processArgument:
		return "process"
	case errnoArgument:
		return "errno"
	}
	return ""
}

func (k Kind) argument() argument {
	if k < NumKinds {
		return kinds[k].arg
	}
	return noArgument
}

// Number says whether an effect of this kind takes a number, its Arg.
func (k Kind) Number() bool { return k.argument() == countArgument || k.argument() == wordArgument }

// MarshalText returns the word used in traces.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (k *Kind) UnmarshalText(text []byte) error {
	i := slices.IndexFunc(kinds[:], func(e struct {
		word string
		arg  argument
	}) bool {
		return e.word == string(text)
	})
	if i < 0 {
		return fmt.Errorf("exec: unknown effect %q", text)
	}
	*k = Kind(i)
	return nil
}

// Effect is what happens at a point where the simulator has a choice. The zero Effect is the
// default: the running task continues.
type Effect struct {
	Kind Kind `json:"kind" doc:"the word of the trace format"`
	// Target is the task, process or error number that the kind takes.
	Target string `json:"target,omitempty" doc:"the task, process or error number that the effect names"`
	// Arg is the number that the kind takes.
	Arg uint64 `json:"arg,omitempty" doc:"the number that the effect takes"`
}

// Words returns the effect as the words of a trace: the kind, then its argument if it takes one.
func (e Effect) Words() []string {
	switch e.Kind.argument() {
	case taskArgument, processArgument, errnoArgument:
		return []string{e.Kind.String(), e.Target}
	case countArgument:
		return []string{e.Kind.String(), strconv.FormatUint(e.Arg, 10)}
	case wordArgument:
		return []string{e.Kind.String(), Number(e.Arg)}
	}
	return []string{e.Kind.String()}
}

// String returns the words of the effect, separated by blanks.
func (e Effect) String() string { return strings.Join(e.Words(), " ") }

// Number returns a value as diagrams and traces show it: in decimal below 1<<20, else in
// hexadecimal.
func Number(v uint64) string {
	if v < 1<<20 {
		return strconv.FormatUint(v, 10)
	}
	return "0x" + strconv.FormatUint(v, 16)
}

// ParseEffect is the inverse of [Effect.Words]. Its errors say which word is wrong; it does not
// check names of tasks and processes.
func ParseEffect(words []string) (Effect, error) {
	if len(words) == 0 {
		return Effect{}, errors.New("no effect")
	}
	var e Effect
	if err := e.Kind.UnmarshalText([]byte(words[0])); err != nil || e.Kind == Continue {
		return e, fmt.Errorf("unknown effect %.60q: there are %s", words[0], kindList())
	}
	args := words[1:]
	want := e.Kind.argument()
	switch {
	case want == noArgument && len(args) > 0:
		return e, fmt.Errorf("effect %q takes no argument, has %.60q", words[0], args[0])
	case want == noArgument:
		return e, nil
	case len(args) == 0:
		return e, fmt.Errorf("effect %q needs %s", words[0], argumentNames[want])
	case len(args) > 1:
		return e, fmt.Errorf("effect %q takes one argument, has %.60q too", words[0], args[1])
	}
	err := e.parseArgument(want, args[0])
	if err != nil {
		return e, fmt.Errorf("effect %q: %w", words[0], err)
	}
	return e, nil
}

var argumentNames = [...]string{
	noArgument: "nothing", taskArgument: "a task", processArgument: "a process", errnoArgument: "an errno",
	countArgument: "a number", wordArgument: "a value",
}

func kindList() string {
	var words []string
	for k := Switch; k < NumKinds; k++ {
		words = append(words, k.String())
	}
	return strings.Join(words, ", ")
}

func (e *Effect) parseArgument(want argument, text string) error {
	switch want {
	case errnoArgument:
		if text == "" || text[0] < 'A' || text[0] > 'Z' || strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
			return fmt.Errorf("errno %.60q is not a name like EINTR", text)
		}
		e.Target = text
		return nil
	case taskArgument, processArgument:
		e.Target = text
		return nil
	}
	digits, base, form := text, 10, "decimal number"
	if hex, ok := strings.CutPrefix(text, "0x"); ok && want == wordArgument {
		digits, base, form = hex, 16, "hexadecimal number in lower case"
	}
	v, err := strconv.ParseUint(digits, base, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return fmt.Errorf("%.60q does not fit 64 bits", text)
	case err != nil || strconv.FormatUint(v, base) != digits:
		return fmt.Errorf("%.60q is not a plain %s", text, form)
	}
	e.Arg = v
	return nil
}

// Intervention is one choice other than the default. It applies right before the Nth time (from 1) that Task
// comes to the access or call Op of Name: such an anchor survives edits of other code, a step number does not.
type Intervention struct {
	Task   string `json:"task" doc:"the task that was about to make the access"`
	Name   string `json:"name" doc:"the name of the access or call"`
	Op     string `json:"op" doc:"its operation"`
	Nth    int    `json:"nth" doc:"how often the task has come to it, this time included"`
	Effect Effect `json:"effect" doc:"what happened instead of the default"`
}

// String returns the intervention as one line of a trace, without alignment.
func (v Intervention) String() string {
	return fmt.Sprintf("%s @ %s %s #%d %s", v.Task, v.Name, v.Op, v.Nth, v.Effect)
}
