package catalog

import (
	"context"

	"cutthrough/model/check"
)

// Model is a model that can be shown to people.
type Model[S comparable] interface {
	check.Model[S]
	check.Describer[S]
	// Columns returns the names of the columns of a chart: one for each process.
	Columns() []string
	// Lines returns what a chart shows of a step, at least one line.
	Lines(s S, action int, t S) []Line
}

// A Machine is a model in one configuration, whatever its states are. What it
// does is what the functions of package check of the same names do, and so are
// its errors.
type Machine interface {
	// Name is the name of the model, with its configuration and variants.
	Name() string
	// Run searches until all is known, a limit is reached or the context is done.
	Run(ctx context.Context, o check.Options) (*Report, error)
	// Search returns a search that has found the initial states.
	Search(o check.Options) (Search, error)
	// Load returns a search that goes on where one was saved to a file.
	Load(file string, o check.Options) (Search, error)
}

// Search is an exploration under way, for one goroutine: a [check.Search].
type Search interface {
	// Level explores one level and says whether there is more to do.
	Level(ctx context.Context) bool
	// Report returns what is known.
	Report(ctx context.Context) (*Report, error)
	// SaveFile writes a checkpoint.
	SaveFile(name string) error
}

type machine[S comparable] struct {
	model Model[S]
}

func (m machine[S]) Name() string { return m.model.Name() }

func (m machine[S]) Run(ctx context.Context, o check.Options) (*Report, error) {
	r, err := check.Run(ctx, m.model, o)
	if err != nil {
		return nil, err
	}
	return newReport(m.model, r), nil
}

func (m machine[S]) Search(o check.Options) (Search, error) {
	s, err := check.New(m.model, o)
	return newSearch(m.model, s, err)
}

func (m machine[S]) Load(file string, o check.Options) (Search, error) {
	s, err := check.LoadFile(file, m.model, o)
	return newSearch(m.model, s, err)
}

type search[S comparable] struct {
	*check.Search[S]
	model Model[S]
}

func newSearch[S comparable](m Model[S], s *check.Search[S], err error) (Search, error) {
	if err != nil {
		return nil, err
	}
	return search[S]{s, m}, nil
}

func (s search[S]) Report(ctx context.Context) (*Report, error) {
	r, err := s.Result(ctx)
	if err != nil {
		return nil, err
	}
	return newReport(s.model, r), nil
}

// Line is one line of a chart: what a process does, and which process it reaches with that.
type Line struct {
	Column int    `json:"column"`
	Text   string `json:"text"`
	To     int    `json:"to"` // the column that an arrow points at; none if it is Column
}

// At returns a line without an arrow.
func At(column int, text string) Line { return Line{column, text, column} }

// Arrow returns a line with an arrow from one column to another.
func Arrow(from, to int, text string) Line { return Line{from, text, to} }
