package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"

	"cutthrough/sim/trace"

	"github.com/spf13/cobra"
)

// rebaseResult is what became of the traces.
type rebaseResult struct {
	Header
	Traces []rebased `json:"traces" doc:"one for each trace"`
}

// rebased is one trace with what changes in it.
type rebased struct {
	Path     string   `json:"path" doc:"the file"`
	Status   string   `json:"status" doc:"unchanged, outdated, updated (with -w), or why it is refused: stale, broken, nondeterministic"`
	Changes  []string `json:"changes" doc:"what changes, or why it is refused"`
	ExitCode int      `json:"exit" doc:"the exit code if there were no others"`

	t *trace.Trace // as it should be
}

// Statuses of a trace that is not refused.
const (
	unchanged = "unchanged"
	outdated  = "outdated"
	updated   = "updated"
)

func (a *Invocation) rebaseCommand() *cobra.Command {
	var write bool
	cmd := &cobra.Command{
		Use:   "rebase TRACE...",
		Short: "Bring digests of drifted traces up to date",
		Long: `Replays each trace and shows what changes in its file when digest and number of steps are
those of the code as it is, and the text is in canonical form. With -w it writes the
files, each whole or not at all.

A trace that is stale or broken does not show what it claims any more. It is refused, and
needs a person to look at it.`,
		Example: a.example(`  PROGRAM rebase testdata/sim/*.trace
  PROGRAM rebase -w testdata/sim/*.trace`),
		Args:              Arguments(1, 1<<20, "TRACE"),
		ValidArgsFunction: completeTraces,
		RunE: func(cmd *cobra.Command, args []string) error {
			r := &rebaseResult{}
			return a.Perform(cmd, args, r, func(ctx context.Context) error { return a.rebase(ctx, args, write, r) })
		},
	}
	cmd.Flags().BoolVarP(&write, "write", "w", false, "write the files")
	return cmd
}

func (a *Invocation) rebase(ctx context.Context, paths []string, write bool, r *rebaseResult) error {
	for _, path := range paths {
		if ctx.Err() != nil {
			return Errorf(ExitInterrupted, "rebase: interrupted before anything was written")
		}
		b, err := a.rebaseOne(path)
		if err != nil {
			return err
		}
		a.Update(func() { r.Traces = append(r.Traces, *b) })
	}
	if !write {
		return nil
	}
	for i := range r.Traces { // only now, so that a bad argument changes nothing
		b := &r.Traces[i]
		if b.Status != outdated {
			continue
		}
		if err := trace.ReplaceFile(b.Path, b.t); err != nil {
			return err
		}
		a.Update(func() { b.Status = updated })
	}
	return nil
}

// rebaseOne says what changes in a trace.
func (a *Invocation) rebaseOne(path string) (*rebased, error) {
	t, s, err := a.open(path)
	if err != nil {
		return nil, err
	}
	v, err := a.replayOne(path, s, t)
	if err != nil {
		return nil, err
	}
	if v.Status != trace.OK.String() && v.Status != trace.Drifted.String() {
		c := v.checked(a.app.Name, "")
		return &rebased{Path: path, Status: c.Status, Changes: []string{c.Detail}, ExitCode: c.ExitCode}, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	b := &rebased{Path: path, Status: unchanged, t: t}
	if !bytes.Equal(text, trace.Format(t)) {
		b.Changes = append(b.Changes, "text in canonical form")
	}
	if v.Digest != v.WantDigest || v.Steps != v.WantSteps {
		b.Changes = append(b.Changes, fmt.Sprintf("digest %s -> %s, steps %d -> %d", v.WantDigest, v.Digest, v.WantSteps, v.Steps))
		t.Digest, t.Steps = uint64(v.Digest), v.Steps
	}
	if len(b.Changes) > 0 {
		b.Status = outdated
	}
	return b, nil
}

func (r *rebaseResult) Code() int {
	var codes []int
	for _, b := range r.Traces {
		codes = append(codes, b.ExitCode)
	}
	return Worst(codes)
}

func (r *rebaseResult) Print(p *Printer) {
	var rows [][]string
	due := 0
	for _, b := range r.Traces {
		if b.Status == outdated {
			due++
		}
		if !p.Quiet || b.Status != unchanged {
			rows = append(rows, []string{b.Status, b.Path, strings.Join(b.Changes, "; ")})
		}
	}
	p.Table(rows, func(_, column int, cell string) string {
		if column == 0 {
			return p.Status(cell)
		}
		return cell
	})
	if due > 0 {
		p.Linef("%s to update: add -w", Plural(due, "trace"))
	}
}
