package main

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"cutthrough/internal/mutate"

	"github.com/spf13/cobra"
)

// listResult is what there is.
type listResult struct {
	header
	Scenarios  []listedScenario `json:"scenarios" doc:"what can be explored: name, doc, long, sometimes (states of interest)"`
	Strategies []listedStrategy `json:"strategies,omitempty" doc:"how it can be explored: name, doc"`
	Mutants    []listedMutant   `json:"mutants,omitempty" doc:"deliberate bugs: name, story, property, scenario, strategy"`
	Note       string           `json:"note,omitempty" doc:"why there are no mutants"`

	one bool // a single scenario was asked for
}

type listedScenario struct {
	Name      string   `json:"name"`
	Doc       string   `json:"doc"`
	Long      string   `json:"long"`
	Sometimes []string `json:"sometimes"`
}

type listedStrategy struct {
	Name string `json:"name"`
	Doc  string `json:"doc"`
}

type listedMutant struct {
	Name     string `json:"name"`
	Story    string `json:"story"`
	Property string `json:"property"`
	Scenario string `json:"scenario"`
	Strategy string `json:"strategy"`
}

// strategies documents what --strategy understands.
var strategies = []listedStrategy{
	{"dfs:N", "every execution with at most N preemptions, fewest first, of the cases from the two simplest values of each draw"},
	{"pct:D", "random priorities with D-1 changes: finds a bug of depth D with a known probability"},
	{"random", "preemptions anywhere, at a rate drawn for each execution"},
}

func (a *app) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list [SCENARIO]",
		Short: "List scenarios, strategies and mutants, or describe one scenario",
		Example: `  simrun list
  simrun list fifo-wakeup`,
		Args:              arguments(0, 1, ""),
		ValidArgsFunction: a.completeScenario,
		RunE: func(cmd *cobra.Command, args []string) error {
			r := &listResult{one: len(args) > 0}
			return a.perform(cmd, args, r, func(context.Context) error { return a.list(r, args) })
		},
	}
}

func (a *app) list(r *listResult, args []string) error {
	if r.one {
		if _, err := a.find(args[0]); err != nil {
			return err
		}
	}
	for _, s := range a.scenarios {
		if !r.one || s.Name == args[0] {
			r.Scenarios = append(r.Scenarios, listedScenario{s.Name, s.Doc, s.Long, s.Sometimes})
		}
	}
	if r.one {
		return nil
	}
	r.Strategies = strategies
	p, err := project()
	if errors.Is(err, mutate.ErrNoModule) {
		r.Note = "run simrun inside a checkout to see them"
		return nil
	}
	if err != nil {
		return err
	}
	ms, err := p.List()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, m := range ms {
		r.Mutants = append(r.Mutants, listedMutant{m.Name, m.Story, m.Property, m.Scenario, m.Strategy})
	}
	return nil
}

func (r *listResult) code() int { return exitHeld }

func (r *listResult) complete(*app) error { return nil }

func (r *listResult) print(p *printer) {
	if r.one {
		s := r.Scenarios[0]
		p.linef("%s: %s\n\n%s", p.paint(bold, s.Name), s.Doc, s.Long)
		if len(s.Sometimes) > 0 {
			p.linef("\nStates of interest: %s.", quoted(s.Sometimes))
		}
		return
	}
	p.linef("%s", p.paint(bold, "scenarios"))
	rows := [][]string{}
	for _, s := range r.Scenarios {
		rows = append(rows, []string{"  " + s.Name, s.Doc})
	}
	p.table(rows, nil)
	p.linef("\n%s", p.paint(bold, "strategies"))
	rows = rows[:0]
	for _, s := range r.Strategies {
		rows = append(rows, []string{"  " + s.Name, s.Doc})
	}
	p.table(rows, nil)
	p.linef("\n%s", p.paint(bold, "mutants"))
	rows = rows[:0]
	for _, m := range r.Mutants {
		first, _, _ := strings.Cut(m.Story, "\n")
		rows = append(rows, []string{"  " + m.Name, first})
	}
	p.table(rows, nil)
	if r.Note != "" {
		p.linef("  %s", r.Note)
	}
}
