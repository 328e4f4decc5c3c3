package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// schema names the form of the JSON objects. Fields may be added to it; a field
// that goes or changes its meaning makes another schema.
const schema = "simrun/1"

// Header is what every JSON object starts with. A [Result] embeds it.
type Header struct {
	Schema  string `json:"schema" doc:"always simrun/1"`
	Command string `json:"command" doc:"the command, such as explore"`
	Exit    int    `json:"exit" doc:"the exit code, see help exit-codes"`
	Error   string `json:"error,omitempty" doc:"what went wrong; then the command's own fields are missing or incomplete"`
	Mutant  string `json:"mutant,omitempty" doc:"the mutant whose code ran"`

	given string // the mutant as the user named it, in the process that the user started
}

// Head returns h itself.
func (h *Header) Head() *Header { return h }

// Code returns ExitHeld. A result that can be worse has a method of its own.
func (h *Header) Code() int { return ExitHeld }

// Complete does nothing.
func (h *Header) Complete(*Invocation) error { return nil }

// Result is what a command finds out: data that --json shows as it is.
type Result interface {
	// Head returns the embedded Header.
	Head() *Header
	// Code returns the exit code.
	Code() int
	// Complete does what only the process that the user started can do, such as
	// writing files and running the code without the mutant.
	Complete(a *Invocation) error
	// Print shows the result to a person.
	Print(p *Printer)
}

// Perform computes and shows the result of cmd: in this process, or in one with the mutant's code if --mutant was given. The
// context of compute ends at the first SIGINT or SIGTERM. A compute that has not returned a few seconds later is
// abandoned, and r is shown as it is then; it changes r only inside [Invocation.Update].
func (a *Invocation) Perform(cmd *cobra.Command, args []string, r Result, compute Compute) error {
	h := r.Head()
	abandoned := false
	var err error
	if a.mutant != "" {
		h.given = a.mutant
		abandoned, err = a.inMutant(cmd, args, r)
	} else {
		h.Mutant = a.mutated
		abandoned, err = a.interruptible(compute)
	}
	if err != nil {
		return err
	}
	if a.mutated == "" {
		err = r.Complete(a) // if it fails, what was found must not get lost
	}
	h.Schema, h.Command, a.code = schema, cmd.Name(), r.Code()
	if abandoned {
		a.code = Worst([]int{a.code, ExitInterrupted})
	}
	h.Exit = a.code
	if err != nil {
		h.Error = err.Error()
		if code := errorCode(err); code != ExitUsage || a.code == ExitHeld {
			h.Exit = code // a file that could not be written does not hide the verdict
		}
		err = &codedError{h.Exit, err}
	}
	a.shown = true
	if a.asJSON {
		writeJSON(a.out, r)
	} else {
		r.Print(a.newPrinter())
	}
	return err
}

// wantsJSON looks for --json without parsing the rest, which may be wrong.
func wantsJSON(args []string) bool {
	for _, arg := range args {
		switch arg {
		case "--":
			return false
		case "--json", "--json=true":
			return true
		}
	}
	return false
}

// writeJSON writes v in one call. It panics if v is no JSON; an error of w is for w to remember.
func writeJSON(w io.Writer, v any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // "->" is the commonest effect of a trace
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("cli: result does not encode: %v", err))
	}
	_, _ = w.Write(b.Bytes())
}

// shellQuote returns word as a POSIX shell reads it back.
func shellQuote(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,+@%="
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// CommandLine returns the command line of this program with args, ready to be copied.
func (a *Invocation) CommandLine(args ...string) string {
	line := a.program
	for _, word := range args {
		line += " " + shellQuote(word)
	}
	return line
}
