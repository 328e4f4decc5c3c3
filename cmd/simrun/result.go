package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// schema names the form of the JSON objects. Fields may be added to it; a field
// that goes or changes its meaning makes another schema.
const schema = "simrun/1"

// header is what every JSON object starts with.
type header struct {
	Schema  string `json:"schema" doc:"always simrun/1"`
	Command string `json:"command" doc:"the command, such as explore"`
	Exit    int    `json:"exit" doc:"the exit code, see simrun help exit-codes"`
	Error   string `json:"error,omitempty" doc:"what went wrong; then the command's own fields are missing or incomplete"`
	Mutant  string `json:"mutant,omitempty" doc:"the mutant whose code ran"`
}

func (h *header) head() *header { return h }

// result is what a command finds out: data that --json shows as it is.
type result interface {
	head() *header
	// code returns the exit code.
	code() int
	// complete does what only the process that the user started can do, such as
	// writing files and running the code without the mutant.
	complete(a *app) error
	// print shows the result to a person.
	print(p *printer)
}

// perform computes and shows the result of cmd: in this process, or in one with
// the mutant's code if --mutant was given.
func (a *app) perform(cmd *cobra.Command, args []string, r result, compute func(ctx context.Context) error) error {
	h := r.head()
	var err error
	if a.mutant != "" {
		err = a.inMutant(cmd, args, r)
	} else {
		h.Mutant = a.mutated
		err = a.interruptible(compute)
	}
	if err != nil {
		return err
	}
	if a.mutated == "" {
		err = r.complete(a) // if it fails, what was found must not get lost
	}
	h.Schema, h.Command, a.code = schema, cmd.Name(), r.code()
	h.Exit = a.code
	if err != nil {
		h.Exit, h.Error = errorCode(err), err.Error()
	}
	a.shown = true
	if a.asJSON {
		writeJSON(a.stdout, r)
	} else {
		r.print(a.printer())
	}
	return err
}

// interruptible calls f with a context that ends at the first SIGINT or SIGTERM.
// The second one ends the process.
func (a *app) interruptible(f func(ctx context.Context) error) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	return f(ctx)
}

// wantsJSON looks for --json without parsing the rest, which may be wrong.
func wantsJSON(args []string) bool {
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
}

func writeJSON(w io.Writer, v any) {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false) // "->" is the commonest effect of a trace
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("simrun: result does not encode: %v", err))
	}
}

// shellQuote returns word as a POSIX shell reads it back.
func shellQuote(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:,+@%="
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// command returns the command line of simrun with args, ready to be copied.
func (a *app) command(args ...string) string {
	line := a.program
	for _, word := range args {
		line += " " + shellQuote(word)
	}
	return line
}
