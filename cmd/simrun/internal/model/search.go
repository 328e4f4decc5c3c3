package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cutthrough/model/catalog"
	"cutthrough/model/check"
	"cutthrough/sim/cli"
)

// modelInDetail checks one model, with all that can be asked for.
func (a *command) modelInDetail(ctx context.Context, t modelTask, o *modelSearch, r *modelResult) error {
	a.Say("checking %s%s with %s", t.name(), withVariants(t.variants), cli.Plural(o.options.Workers, "worker"))
	a.Update(func() { // in case that the search is abandoned
		r.checkedModel = checkedModel{Model: t.entry.Name, Config: t.config, Variants: t.variants, Outcome: interrupted, Reason: interrupted}
	})
	begun := time.Now()
	checked, err := a.checkModel(ctx, t, o, o.options)
	if err != nil {
		return err
	}
	a.Say("%s in %s", cli.Plural(int(checked.States), "state"), time.Since(begun).Round(time.Millisecond))
	a.Update(func() { r.checkedModel = *checked })
	if r.Outcome == violated {
		r.Reproduce = a.modelCommandLine(t, o)
	}
	if o.checkpoint != "" && r.unsaved == nil {
		r.Checkpoint = o.checkpoint
		if !r.checkedModel.Complete && r.Outcome != violated {
			r.Resume = a.modelCommandLine(t, o, "--resume", o.checkpoint, "--checkpoint", o.checkpoint)
		}
	}
	return nil
}

// modelCommandLine returns the command that searches in the same way, with more flags.
func (a *command) modelCommandLine(t modelTask, o *modelSearch, more ...string) string {
	words := []string{"model", t.name()}
	for _, v := range t.variants {
		words = append(words, "--variant", v)
	}
	for _, flag := range []struct {
		set  bool
		word string
	}{{o.options.Symmetry, "--symmetry"}, {o.options.Exact, "--exact"}, {o.options.KeepGoing, "--keep-going"}} {
		if flag.set {
			words = append(words, flag.word)
		}
	}
	return a.CommandLine(append(words, more...)...)
}

// checkModels checks every model in its first configuration.
func (a *command) checkModels(ctx context.Context, o *modelSearch, r *modelsResult) error {
	for _, e := range a.models {
		if ctx.Err() != nil {
			a.Update(func() { r.stopped = true })
			break
		}
		checked, err := a.checkModel(ctx, modelTask{entry: e, config: e.Configs[0].Name}, o, o.options)
		if err != nil {
			return err
		}
		a.Update(func() { r.Models = append(r.Models, *checked) })
	}
	return nil
}

// checkVariants checks every variant of some models in the configuration it names.
func (a *command) checkVariants(ctx context.Context, entries []catalog.Entry, o *modelSearch, r *variantsResult) error {
	for _, e := range entries {
		for _, v := range e.Variants {
			if ctx.Err() != nil {
				a.Update(func() { r.stopped = true })
				return nil
			}
			checked, err := a.checkVariant(ctx, e, v, o)
			if err != nil {
				return err
			}
			a.Update(func() { r.Variants = append(r.Variants, *checked) })
		}
	}
	return nil
}

// checkVariant checks one variant. What is violated first may be something else than
// what the variant is there for: then the search goes on.
func (a *command) checkVariant(ctx context.Context, e catalog.Entry, v catalog.Variant, o *modelSearch) (*checkedVariant, error) {
	t := modelTask{e, v.Config, []string{v.Name}}
	c := &checkedVariant{Variant: v.Name, Model: e.Name, Config: v.Config, Row: v.Row, Property: v.Property, Doc: v.Doc}
	options := o.options
	for {
		checked, err := a.checkModel(ctx, t, o, options)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(checked.Properties, func(p checkedProperty) bool { return p.Property == v.Property })
		switch {
		case i >= 0 && checked.Properties[i].Verdict == check.Violated.String():
			c.Verdict, c.Steps = variantKilled, checked.Properties[i].steps()
		case checked.Outcome == violated && !options.KeepGoing:
			options.KeepGoing = true
			continue
		case checked.Complete:
			c.Verdict = variantSurvived
		default:
			c.Verdict = check.Incomplete.String()
		}
		c.stopped = checked.Outcome == interrupted
		return c, nil
	}
}

// checkModel searches once, with progress.
func (a *command) checkModel(ctx context.Context, t modelTask, o *modelSearch, options check.Options) (*checkedModel, error) {
	m, err := t.entry.New(t.config, t.variants)
	if err != nil {
		return nil, err
	}
	limited := ctx
	if o.time > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, o.time)
		defer cancel()
	}
	line := a.Progress()
	defer line.Finish()
	options.Progress, options.ProgressEvery = modelProgress(t.name(), line), 100_000
	s, err := o.open(m, options)
	if err != nil {
		return nil, err
	}
	unsaved := o.search(limited, s)
	report, err := s.Report(limited)
	switch {
	case errors.Is(err, check.ErrNondeterministic):
		return nil, cli.Errorf(cli.ExitNondeterminism, "%w", err)
	case err != nil:
		return nil, cli.Errorf(cli.ExitInternal, "%w", err)
	}
	c := newCheckedModel(t, report, ctx.Err() != nil, limited.Err() != nil)
	c.unsaved = unsaved
	return c, nil
}

// open begins a search, or goes on with one. A checkpoint that cannot be written is
// an error now, not after hours.
func (o *modelSearch) open(m catalog.Machine, options check.Options) (catalog.Search, error) {
	var s catalog.Search
	var err error
	if o.resume == "" {
		s, err = m.Search(options)
	} else {
		s, err = m.Load(o.resume, options)
	}
	if err != nil {
		return nil, err
	}
	if o.checkpoint != "" && o.checkpoint != o.resume {
		if err := s.SaveFile(o.checkpoint); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// search explores until there is nothing more to do, and saves the search again and
// again if that was asked for. The error is that of the last time: until then a disk
// that is full may have room again, and there is always a result.
func (o *modelSearch) search(ctx context.Context, s catalog.Search) error {
	if o.checkpoint == "" {
		for s.Level(ctx) {
		}
		return nil
	}
	for {
		slice, cancel := context.WithTimeout(ctx, o.saveEvery)
		for s.Level(slice) {
		}
		more := slice.Err() != nil && ctx.Err() == nil
		cancel()
		if err := s.SaveFile(o.checkpoint); !more {
			return err
		}
	}
}

// modelProgress returns what shows the progress of a search on a line.
func modelProgress(name string, line *cli.Progress) func(check.Stats) {
	phase, since, from := check.Searching, time.Duration(0), uint64(0)
	return func(s check.Stats) {
		line.Update(func(elapsed time.Duration) string {
			if s.Phase != phase || from == 0 { // the second may be a search that goes on
				phase, since, from = s.Phase, elapsed, s.Distinct
			}
			frontier := s.Waiting
			if n := len(s.Levels); n > 0 {
				frontier += s.Levels[n-1]
			}
			return fmt.Sprintf("%s %s  %v: %s states (%s), frontier %s, depth %d, %.1f bytes a state",
				name, elapsed.Truncate(time.Second), s.Phase, cli.Count(int(s.Distinct)), cli.Rate(int(s.Distinct-from), elapsed-since),
				cli.Count(int(frontier)), s.Depth, s.BytesPerState())
		})
	}
}
