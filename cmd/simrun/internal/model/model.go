// Package model is the command that checks models completely.
package model

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"time"

	"cutthrough/cmd/simrun/internal/bytesize"
	"cutthrough/model/catalog"
	"cutthrough/model/check"
	"cutthrough/sim/cli"

	"github.com/spf13/cobra"
)

// command is one use of the command.
type command struct {
	*cli.Invocation
	models []catalog.Entry
}

// Command returns the command model for some models.
func Command(models []catalog.Entry) cli.Command {
	return cli.Command{
		New: func(a *cli.Invocation) *cobra.Command { return (&command{a, models}).cobra() },
		Documents: []cli.Document{
			{Name: "model", Object: modelResult{}},
			{Name: "model without CONFIG", Object: modelsResult{}},
			{Name: "model --variants", Object: variantsResult{}},
			{Name: "model --list", Object: modelListResult{}},
		},
	}
}

// modelSearch says which models to check, and how.
type modelSearch struct {
	name           string // CONFIG, or nothing for all models
	list, mistakes bool
	variants       []string
	options        check.Options
	time           time.Duration
	checkpoint     string
	resume         string
	export         string
	saveEvery      time.Duration
}

func (a *command) cobra() *cobra.Command {
	o := modelSearch{saveEvery: time.Minute}
	cmd := &cobra.Command{
		Use:   "model [CONFIG]",
		Short: "Check a model of the protocol completely",
		Long: `Visits every state that a model can reach, nearest first, and says which properties hold.
CONFIG is a model, or a model and one of its configurations: signal, signal/medium. A model
alone means its first configuration or, with --variant, the one that the first variant names.
Without CONFIG every model is checked in its first configuration.

A variant is a deliberate mistake. With --variants every one is checked in the configuration
that it names, and must violate the property that it names.

A violation is shown by a run that is as short as any: a column for each process, time going
down. What must come to pass is violated by a run that goes round for ever, or stops. A search
that did not see everything says so, and says of nothing that it holds.

Ctrl-C ends the search and shows what is known so far. With --checkpoint it can be gone on
with: the file is written every minute and at the end, in one step. No result depends on the
number of workers.

With --export the counterexample of a variant becomes a trace, of the model negotiation one of the
scenario core-refinement, of valloc one of addrspace-refinement, of signal one of fifo-wakeup, of evq one of evq: the
real code passes it, and with the same mistake it should not (simrun replay --mutant NAME FILE).`,
		Example: `  simrun model                                     # every model
  simrun model --list                              # what there is
  simrun model signal/medium
  simrun model signal --variant skip-recheck       # a lost wake-up in 19 steps
  simrun model evq --variants                      # is every mistake noticed?
  simrun model evq/nightly --symmetry --checkpoint evq.checkpoint
  simrun model negotiation --variant accept-before-map --export a.trace
  simrun model signal --variant skip-recheck --export b.trace`,
		Args:              cli.Arguments(0, 1, ""),
		ValidArgsFunction: a.completeModel,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.name = strings.Join(args, "")
			if err := o.check(cmd); err != nil {
				return err
			}
			return a.runModel(cmd, args, &o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.list, "list", false, "list models, configurations and, with -v or of one model, variants")
	f.BoolVar(&o.mistakes, "variants", false, "check every variant of the model, or of all models")
	f.StringSliceVar(&o.variants, "variant", nil, "make the mistake `NAME`; may be repeated")
	f.BoolVar(&o.options.Symmetry, "symmetry", false, "take states that differ only in names for one")
	f.BoolVar(&o.options.Exact, "exact", false, "keep states instead of fingerprints: more memory, no collisions")
	f.BoolVar(&o.options.KeepGoing, "keep-going", false, "after a violation go on to decide the other properties")
	f.IntVar(&o.options.Workers, "workers", runtime.GOMAXPROCS(0), "how many search at the same time")
	f.Uint64Var(&o.options.MaxStates, "max-states", 0, "end with more than `N` states")
	f.IntVar(&o.options.MaxDepth, "max-depth", 0, "end `N` steps from the beginning")
	f.Var(bytesize.Var(&o.options.MaxBytes), "max-bytes", "end with more than `SIZE` of memory, such as 512M or 8G")
	f.DurationVar(&o.time, "time", 0, "end after this time")
	f.StringVar(&o.checkpoint, "checkpoint", "", "write the search to `FILE`, to go on with it")
	f.StringVar(&o.resume, "resume", "", "go on with the search in `FILE`")
	f.StringVar(&o.export, "export", "", "write the counterexample of a variant to `FILE`, as a trace for the real code")
	a.VerboseFlag(cmd, "show every property, action and line of a chart")
	_ = cmd.RegisterFlagCompletionFunc("variant", a.completeVariant)
	return cmd
}

// check validates the flags.
func (o *modelSearch) check(cmd *cobra.Command) error {
	model, config, _ := strings.Cut(o.name, "/")
	one := "variant checkpoint resume export"
	switch {
	case o.options.Workers < 1:
		return cli.Errorf(cli.ExitUsage, "--workers=%d: want at least 1", o.options.Workers)
	case o.options.Workers > cli.MaxWorkers:
		return cli.Errorf(cli.ExitUsage, "--workers=%d: want at most %d", o.options.Workers, cli.MaxWorkers)
	case o.options.MaxDepth < 0:
		return cli.Errorf(cli.ExitUsage, "--max-depth=%d: want a positive number", o.options.MaxDepth)
	case o.time < 0:
		return cli.Errorf(cli.ExitUsage, "--time=%s: want a positive time", o.time)
	case o.list && o.mistakes:
		return cli.Errorf(cli.ExitUsage, "--list and --variants: want one of them")
	case (o.list || o.mistakes) && config != "":
		return cli.Errorf(cli.ExitUsage, "%s: want a model without a configuration, as in %s", o.name, model)
	case o.name != "" && !o.list && !o.mistakes:
		return o.checkExport()
	}
	for name := range strings.FieldsSeq(one) {
		if cmd.Flags().Changed(name) {
			return cli.Errorf(cli.ExitUsage, "--%s is for the check of one CONFIG (simrun model --list shows them)", name)
		}
	}
	return nil
}

// modelTask is a model in one configuration.
type modelTask struct {
	entry    catalog.Entry
	config   string
	variants []string
}

func (t *modelTask) name() string { return t.entry.Name + "/" + t.config }

func (a *command) runModel(cmd *cobra.Command, args []string, o *modelSearch) error {
	entries := a.models
	var task modelTask
	if o.name != "" {
		var err error
		if task, err = o.task(a.models); err != nil {
			return err
		}
		entries = []catalog.Entry{task.entry}
	}
	switch {
	case o.list:
		r := newModelList(entries, o.name != "")
		return a.Perform(cmd, args, r, func(context.Context) error { return nil })
	case o.mistakes:
		r := &variantsResult{}
		return a.Perform(cmd, args, r, func(ctx context.Context) error { return a.checkVariants(ctx, entries, o, r) })
	case o.name == "":
		r := &modelsResult{}
		return a.Perform(cmd, args, r, func(ctx context.Context) error { return a.checkModels(ctx, o, r) })
	}
	r := &modelResult{}
	if err := o.checkFile(); err != nil {
		return err
	}
	return a.Perform(cmd, args, r, func(ctx context.Context) error {
		if o.export != "" {
			if err := exportModel(ctx, task, o); err != nil {
				return err
			}
		}
		return a.modelInDetail(ctx, task, o, r)
	})
}

// task returns what CONFIG and --variant name.
func (o *modelSearch) task(entries []catalog.Entry) (modelTask, error) {
	e, config, err := catalog.Find(entries, o.name)
	if err != nil {
		return modelTask{}, err
	}
	if !strings.Contains(o.name, "/") && len(o.variants) > 0 {
		i := slices.IndexFunc(e.Variants, func(v catalog.Variant) bool { return v.Name == o.variants[0] })
		if i >= 0 {
			config = e.Variants[i].Config
		}
	}
	if _, err := e.New(config, o.variants); err != nil {
		return modelTask{}, err // before anything is searched for nothing
	}
	return modelTask{e, config, o.variants}, nil
}

// completeModel completes CONFIG.
func (a *command) completeModel(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var words []string
	if len(args) == 0 {
		for _, e := range a.models {
			words = append(words, e.Name+"\t"+e.Doc)
			for _, c := range e.Configs {
				words = append(words, e.Name+"/"+c.Name+"\t"+c.Doc)
			}
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// completeVariant completes --variant with those of the model that was named, or of all.
func (a *command) completeVariant(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	model, _, _ := strings.Cut(strings.Join(args, ""), "/")
	var words []string
	for _, e := range a.models {
		for _, v := range e.Variants {
			if model == "" || model == e.Name {
				words = append(words, v.Name+"\t"+v.Doc)
			}
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}
