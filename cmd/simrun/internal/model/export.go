package model

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"cutthrough/model/catalog"
	"cutthrough/model/check"
	"cutthrough/model/evq"
	"cutthrough/model/negotiation"
	"cutthrough/model/signal"
	"cutthrough/model/valloc"
	"cutthrough/properties"
	"cutthrough/properties/core"
	"cutthrough/properties/memory"
	"cutthrough/sim/cli"
	"cutthrough/sim/explore"
	"cutthrough/sim/trace"
)

// exporters return counterexamples that the real code can follow, by model: every one has one.
var exporters = map[string]func(ctx context.Context, config, variant string, o check.Options) (*trace.Trace, error){
	"negotiation": func(ctx context.Context, config, variant string, o check.Options) (*trace.Trace, error) {
		return core.ExportCore(ctx, configOf(negotiation.Configs(), config), variant, o)
	},
	"evq": func(ctx context.Context, config, variant string, o check.Options) (*trace.Trace, error) {
		return memory.ExportEvq(ctx, configOf(evq.Configs(), config), variant, o)
	},
	"signal": func(ctx context.Context, config, variant string, o check.Options) (*trace.Trace, error) {
		return memory.ExportSignal(ctx, configOf(signal.Configs(), config), variant, o)
	},
	"valloc": func(ctx context.Context, config, variant string, o check.Options) (*trace.Trace, error) {
		return core.ExportAddressSpace(ctx, configOf(valloc.Configs(), config), variant, o)
	},
}

// configOf returns the configuration called name, of which there is one.
func configOf[C any](configs []catalog.Config[C], name string) C {
	return configs[slices.IndexFunc(configs, func(c catalog.Config[C]) bool { return c.Name == name })].Value
}

func (o *modelSearch) checkExport() error {
	if o.export != "" && len(o.variants) != 1 {
		return cli.Errorf(cli.ExitUsage, "--export: want one --variant")
	}
	return nil
}

// checkFile finds out whether the file of a counterexample can be written, before one is searched for.
func (o *modelSearch) checkFile() error {
	if o.export == "" {
		return nil
	}
	if _, err := os.Lstat(o.export); err == nil {
		return cli.Errorf(cli.ExitUsage, "--export: %s: %w", o.export, fs.ErrExist)
	}
	return cli.CheckOutput("--export", filepath.Dir(o.export))
}

// exported returns the counterexample of a variant as a trace with the digest that it has on this code, and what
// came of it there.
func exported(ctx context.Context, model, config, variant string, o check.Options) (*trace.Trace, *explore.Replayed, error) {
	t, err := exporters[model](ctx, config, variant, o)
	if err != nil {
		return nil, nil, err
	}
	t.Story = append(t.Story, "", fmt.Sprintf("found   simrun model %s/%s --variant %s --export", model, config, variant))
	s, err := properties.All().Find(t.Scenario)
	if err != nil {
		return nil, nil, err
	}
	r, err := explore.Replay(s, t)
	if err != nil {
		return nil, nil, err
	}
	t.Digest, t.Steps = r.Digest, r.Steps
	return t, r, nil
}

// exportModel writes the counterexample of a variant.
func exportModel(ctx context.Context, task modelTask, o *modelSearch) error {
	t, _, err := exported(ctx, task.entry.Name, task.config, task.variants[0], o.options)
	if err != nil {
		return err
	}
	return trace.WriteFile(o.export, t)
}
