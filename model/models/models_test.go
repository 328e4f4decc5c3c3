package models_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"cutthrough/model/catalog"
	"cutthrough/model/check"
	"cutthrough/model/models"
)

// TestEveryPropertyFails: a property that nothing violates says nothing. Each is violated by a variant, if
// not by one that is there for it then by another.
func TestEveryPropertyFails(t *testing.T) {
	for _, e := range models.All() {
		t.Run(e.Name, func(t *testing.T) {
			open := propertiesOf(t, e)
			for _, v := range e.Variants {
				delete(open, row(v.Property)) // TestVariants of the model
			}
			for _, v := range e.Variants {
				if len(open) == 0 {
					break
				}
				for _, o := range run(t, e, v.Config, []string{v.Name}, check.Options{KeepGoing: true, MaxStates: 30_000}) {
					if o.Verdict == check.Violated.String() {
						delete(open, row(o.Property))
					}
				}
			}
			for _, name := range slices.Sorted(maps.Keys(open)) {
				t.Errorf("no variant violates %q", name)
			}
		})
	}
}

// propertiesOf returns the properties of a model that must hold everywhere.
func propertiesOf(t *testing.T, e catalog.Entry) map[string]bool {
	all := make(map[string]bool)
	for _, c := range e.Configs {
		for _, o := range run(t, e, c.Name, nil, check.Options{MaxStates: 1}) {
			if o.Kind != check.Sometimes.String() {
				all[row(o.Property)] = true
			}
		}
	}
	return all
}

// row returns the name of a property that is there for each of several things.
func row(property string) string {
	name, _, _ := strings.Cut(property, " (")
	return name
}

func run(t *testing.T, e catalog.Entry, config string, variants []string, o check.Options) []catalog.Outcome {
	t.Helper()
	r, err := e.Run(t.Context(), config, variants, o)
	if err != nil {
		t.Fatal(err)
	}
	return r.Outcomes
}
