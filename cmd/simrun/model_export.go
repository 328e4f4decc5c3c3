package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"cutthrough/model/catalog"
	"cutthrough/model/check"
	"cutthrough/model/evq"
	"cutthrough/model/negotiation"
	"cutthrough/model/signal"
	"cutthrough/properties"
	"cutthrough/sim/trace"
)

// exporters return counterexamples that the real code can follow, by model.
var exporters = map[string]func(ctx context.Context, config, variant string, o check.Options) (*trace.Trace, error){
	"negotiation": func(ctx context.Context, config, variant string, o check.Options) (*trace.Trace, error) {
		return properties.ExportMachine(ctx, configOf(negotiation.Configs(), config), variant, o)
	},
	"evq": func(ctx context.Context, config, variant string, o check.Options) (*trace.Trace, error) {
		return properties.ExportEvq(ctx, configOf(evq.Configs(), config), variant, o)
	},
	"signal": func(ctx context.Context, config, variant string, o check.Options) (*trace.Trace, error) {
		return properties.ExportSignal(ctx, configOf(signal.Configs(), config), variant, o)
	},
}

// configOf returns the configuration called name, of which there is one.
func configOf[C any](configs []catalog.Config[C], name string) C {
	return configs[slices.IndexFunc(configs, func(c catalog.Config[C]) bool { return c.Name == name })].Value
}

func (o *modelSearch) checkExport(model string) error {
	switch {
	case o.export == "":
		return nil
	case exporters[model] == nil:
		return errorf(exitUsage, "--export: only counterexamples of these models can be exported, not of %s: %s",
			model, strings.Join(slices.Sorted(maps.Keys(exporters)), ", "))
	case len(o.variants) != 1:
		return errorf(exitUsage, "--export: want one --variant")
	}
	return nil
}

// exportModel writes the counterexample of a variant as a trace, with the digest that it has on
// this code.
func exportModel(ctx context.Context, task modelTask, o *modelSearch) error {
	t, err := exporters[task.entry.Name](ctx, task.config, task.variants[0], o.options)
	if err != nil {
		return err
	}
	r, err := properties.Replay(t)
	if err != nil {
		return err
	}
	t.Digest, t.Steps = r.Digest, r.Steps
	return trace.WriteFile(o.export, t)
}
