package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"cutthrough/internal/mutate"
	"cutthrough/sim/scenario"

	"github.com/spf13/cobra"
)

// listResult is what there is.
type listResult struct {
	Header
	Scenarios  []listedScenario `json:"scenarios" doc:"what can be explored"`
	Strategies []listedStrategy `json:"strategies,omitempty" doc:"how it can be explored"`
	Mutants    []listedMutant   `json:"mutants,omitempty" doc:"deliberate bugs"`
	Note       string           `json:"note,omitempty" doc:"why there are no mutants"`

	one bool // a single scenario was asked for
}

type listedScenario struct {
	Name      string   `json:"name" doc:"the scenario"`
	Doc       string   `json:"doc" doc:"what it is, in a line"`
	Long      string   `json:"long" doc:"what runs and what is checked"`
	Sometimes []string `json:"sometimes" doc:"states of interest"`

	Operations []listedOperation `json:"operations,omitempty" doc:"what a workload may have"`
}

type listedOperation struct {
	Verb      string           `json:"verb" doc:"the operation"`
	Processes []string         `json:"processes" doc:"which may do it"`
	Args      []listedArgument `json:"args,omitempty" doc:"its arguments"`
}

type listedArgument struct {
	Name string `json:"name" doc:"what it is"`
	Min  int    `json:"min" doc:"the least value"`
	Max  int    `json:"max" doc:"the largest value"`
}

type listedStrategy struct {
	Name string `json:"name" doc:"the strategy, as --strategy has it"`
	Doc  string `json:"doc" doc:"what it does"`
}

type listedMutant struct {
	Name     string `json:"name" doc:"the mutant"`
	Story    string `json:"story" doc:"what is wrong with it"`
	Property string `json:"property" doc:"the property that it violates"`
	Scenario string `json:"scenario" doc:"where"`
	Strategy string `json:"strategy" doc:"what finds it"`
}

// strategies documents what --strategy understands.
var strategies = []listedStrategy{
	{"dfs:N", "every execution with at most N preemptions, fewest first, of the cases from the two simplest values of each draw"},
	{"dpor", "one execution of each class that differs only in the order of independent steps, without faults, of the same cases"},
	{"pct:D", "random priorities with D-1 changes: finds a bug of depth D with a known probability"},
	{"random", "preemptions anywhere, at a rate drawn for each execution"},
}

func (a *Invocation) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list [SCENARIO]",
		Short: "List scenarios, strategies and mutants, or describe one scenario",
		Example: a.example(`  PROGRAM list
  PROGRAM list SCENARIO`),
		Args:              Arguments(0, 1, ""),
		ValidArgsFunction: a.completeScenario,
		RunE: func(cmd *cobra.Command, args []string) error {
			r := &listResult{one: len(args) > 0}
			return a.Perform(cmd, args, r, func(context.Context) error { return a.list(r, args) })
		},
	}
}

func (a *Invocation) list(r *listResult, args []string) error {
	if r.one {
		if _, err := a.find(args[0]); err != nil {
			return err
		}
	}
	for _, s := range a.app.Scenarios {
		if !r.one || s.Name == args[0] {
			r.Scenarios = append(r.Scenarios, listedScenario{s.Name, s.Doc, s.Long, s.Sometimes, operations(s.Verbs)})
		}
	}
	if r.one {
		return nil
	}
	r.Strategies = strategies
	p, err := a.project()
	if errors.Is(err, mutate.ErrNoModule) {
		r.Note = fmt.Sprintf("run %s inside a checkout to see them", a.app.Name)
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

func operations(verbs scenario.Verbs) (all []listedOperation) {
	for _, v := range verbs {
		o := listedOperation{Verb: v.Name, Processes: v.Procs}
		for _, a := range v.Args {
			o.Args = append(o.Args, listedArgument(a))
		}
		all = append(all, o)
	}
	return all
}

// row returns the operation as a row of a table: processes, verb with arguments, bounds of the arguments.
func (o listedOperation) row() []string {
	call := o.Verb
	var bounds []string
	for _, a := range o.Args {
		call += " " + strings.ToUpper(a.Name)
		bounds = append(bounds, fmt.Sprintf("%s from %d to %d", a.Name, a.Min, a.Max))
	}
	return []string{"  " + strings.Join(o.Processes, ", "), call, strings.Join(bounds, ", ")}
}

// Print implements [Result].
func (r *listResult) Print(p *Printer) {
	if r.one {
		s := r.Scenarios[0]
		p.Linef("%s: %s\n\n%s", p.Paint(Bold, s.Name), s.Doc, s.Long)
		if len(s.Operations) > 0 {
			p.Linef("\nOperations:")
			rows := [][]string{}
			for _, o := range s.Operations {
				rows = append(rows, o.row())
			}
			p.Table(rows, nil)
		}
		if len(s.Sometimes) > 0 {
			p.Linef("\nStates of interest: %s.", quoted(s.Sometimes))
		}
		return
	}
	p.Linef("%s", p.Paint(Bold, "scenarios"))
	rows := [][]string{}
	for _, s := range r.Scenarios {
		rows = append(rows, []string{"  " + s.Name, s.Doc})
	}
	p.Table(rows, nil)
	p.Linef("\n%s", p.Paint(Bold, "strategies"))
	rows = rows[:0]
	for _, s := range r.Strategies {
		rows = append(rows, []string{"  " + s.Name, s.Doc})
	}
	p.Table(rows, nil)
	p.Linef("\n%s", p.Paint(Bold, "mutants"))
	rows = rows[:0]
	for _, m := range r.Mutants {
		first, _, _ := strings.Cut(m.Story, "\n")
		rows = append(rows, []string{"  " + m.Name, first})
	}
	p.Table(rows, nil)
	if r.Note != "" {
		p.Linef("  %s", r.Note)
	}
}
