package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cutthrough/model/check"
)

// ErrUnknown is what is wrong with the name of a model, a configuration or a
// variant that does not exist. The error that wraps it lists those that do.
var ErrUnknown = errors.New("unknown")

// A Variant is one deliberate mistake that a model can be told to make.
type Variant struct {
	Name string `json:"name"` // that of the patch in properties/mutants, where there is one
	Row  string `json:"row"`  // the defect of the ancestor, as in F27 or H-30, or "-"
	// Property is one that is violated in the configuration Config.
	Property string `json:"property"`
	Config   string `json:"config"`
	Doc      string `json:"doc"` // what is wrong, in a sentence
}

// Config is a named configuration of a model.
type Config[C any] struct {
	Name  string
	Doc   string
	Value C
}

// A Set is a set of variants of one model.
type Set struct {
	bits  uint64
	names []string
}

// Select returns the named ones of all variants, at most 64. ErrUnknown.
func Select(all []Variant, names []string) (Set, error) {
	var s Set
	for _, name := range names {
		i := slices.IndexFunc(all, func(v Variant) bool { return v.Name == name })
		if i < 0 {
			return Set{}, unknown("variant", name, variantNames(all))
		}
		s.bits |= 1 << i
	}
	for i, v := range all {
		if s.Has(i) {
			s.names = append(s.names, v.Name)
		}
	}
	return s, nil
}

// Has says whether variant number i is in the set.
func (s Set) Has(i int) bool { return s.bits>>i&1 != 0 }

// String returns the names of the variants with something in front of them, to go
// after the name of a configuration; nothing for the empty set.
func (s Set) String() string {
	if len(s.names) == 0 {
		return ""
	}
	return " with " + strings.Join(s.names, ", ")
}

func variantNames(all []Variant) []string {
	names := make([]string, len(all))
	for i, v := range all {
		names[i] = v.Name
	}
	return names
}

func unknown(what, name string, known []string) error {
	if len(known) == 0 {
		return fmt.Errorf("%w %s %q: there is none", ErrUnknown, what, name)
	}
	return fmt.Errorf("%w %s %q: there are %s", ErrUnknown, what, name, strings.Join(known, ", "))
}

// An Entry is one model, whatever its states are.
type Entry struct {
	Name     string
	Doc      string
	Configs  []Config[struct{}] // the first is the one that is meant when none is named
	Variants []Variant
	// New makes the model in a named configuration with the named variants.
	// ErrUnknown, or what the model says of such a configuration.
	New func(config string, variants []string) (Machine, error)
}

// Of returns the entry of a model that is made by a function of a configuration
// and the names of variants.
func Of[S comparable, C any, M Model[S]](
	name, doc string, configs []Config[C], variants []Variant, model func(C, ...string) (M, error),
) Entry {
	e := Entry{Name: name, Doc: doc, Variants: variants}
	for _, c := range configs {
		e.Configs = append(e.Configs, Config[struct{}]{Name: c.Name, Doc: c.Doc})
	}
	e.New = func(config string, variants []string) (Machine, error) {
		i := slices.IndexFunc(configs, func(c Config[C]) bool { return c.Name == config })
		if i < 0 {
			return nil, unknown("configuration", config, e.configNames())
		}
		m, err := model(configs[i].Value, variants...)
		if err != nil {
			return nil, fmt.Errorf("model %s/%s: %w", name, config, err)
		}
		return machine[S]{m}, nil
	}
	return e
}

func (e Entry) configNames() []string {
	names := make([]string, len(e.Configs))
	for i, c := range e.Configs {
		names[i] = c.Name
	}
	return names
}

// Run checks the model in a named configuration with the named variants. The
// error is one of New or a [check.ErrModel].
func (e Entry) Run(ctx context.Context, config string, variants []string, o check.Options) (*Report, error) {
	m, err := e.New(config, variants)
	if err != nil {
		return nil, err
	}
	return m.Run(ctx, o)
}

// Find returns the entry and the configuration that a name means: that of a model,
// or of a model and one of its configurations, as in "signal/medium". ErrUnknown.
func Find(entries []Entry, name string) (Entry, string, error) {
	model, config, named := strings.Cut(name, "/")
	var known []string
	for _, e := range entries {
		known = append(known, e.Name)
		if e.Name != model {
			continue
		}
		if !named {
			return e, e.Configs[0].Name, nil
		}
		if !slices.Contains(e.configNames(), config) {
			return Entry{}, "", unknown("configuration", name, e.configNames())
		}
		return e, config, nil
	}
	return Entry{}, "", unknown("model", model, known)
}
