package main

import (
	"context"
	"slices"

	"cutthrough/model/catalog"
	"cutthrough/model/negotiation"
	"cutthrough/properties"
	"cutthrough/sim/trace"
)

// exported is the model whose counterexamples the real code can walk through.
const exported = "negotiation"

func (o *modelSearch) checkExport(model string) error {
	switch {
	case o.export == "":
		return nil
	case model != exported:
		return errorf(exitUsage, "--export: only counterexamples of the model %s can be exported, not of %s", exported, model)
	case len(o.variants) != 1:
		return errorf(exitUsage, "--export: want one --variant")
	}
	return nil
}

// exportModel writes the counterexample of a variant as a trace, with the digest that it has on
// this code.
func exportModel(ctx context.Context, task modelTask, o *modelSearch) error {
	configs := negotiation.Configs()
	i := slices.IndexFunc(configs, func(c catalog.Config[negotiation.Config]) bool { return c.Name == task.config })
	t, err := properties.ExportMachine(ctx, configs[i].Value, task.variants[0], o.options)
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
