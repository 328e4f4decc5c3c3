package core

import (
	"context"
	"errors"
	"strings"

	"cutthrough/model/check"
	"cutthrough/model/negotiation"
	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"
)

var nameCoreStep = shm.NewName("core-refinement.step")

// A modelField is a field of a configuration of the model, a number or a flag.
type modelField struct {
	scenario.Key
	number *uint8
	flag   *bool
}

func modelFields(c *negotiation.Config) []modelField {
	return []modelField{
		{scenario.Key{Name: "clients", Default: 1, Min: 1, Max: 2}, &c.Clients, nil},
		{scenario.Key{Name: "connects", Default: 2, Min: 1, Max: 3}, &c.Connects, nil},
		{scenario.Key{Name: "sessions", Default: 1, Min: 1, Max: 3}, &c.Sessions, nil},
		{scenario.Key{Name: "segments", Default: 3, Min: 1, Max: 3}, &c.Segments, nil},
		{scenario.Key{Name: "each", Default: 1, Min: 1, Max: 2}, &c.Each, nil},
		{scenario.Key{Name: "deaths", Max: 3}, &c.Deaths, nil},
		{scenario.Key{Name: "detaches", Max: 3}, &c.Detaches, nil},
		{scenario.Key{Name: "rude", Max: 3}, &c.Rude, nil},
		{scenario.Key{Name: "half", Max: 1}, nil, &c.Half},
		{scenario.Key{Name: "unbind", Max: 1}, nil, &c.Unbind},
		{scenario.Key{Name: "fail", Max: 1}, nil, &c.Fail},
		{scenario.Key{Name: "silent", Max: 1}, nil, &c.Silent},
		{scenario.Key{Name: "timeouts", Max: 1}, nil, &c.Timeouts},
		{scenario.Key{Name: "linger", Max: 1}, nil, &c.Linger},
		{scenario.Key{Name: "restart", Max: 1}, nil, &c.Restart},
	}
}

// set sets the field to a value within the bounds of its key.
func (f modelField) set(v int) {
	if f.flag != nil {
		*f.flag = v != 0
		return
	}
	*f.number = uint8(v)
}

// get returns the value of the field.
func (f modelField) get() int {
	switch {
	case f.flag == nil:
		return int(*f.number)
	case *f.flag:
		return 1
	}
	return 0
}

// readCoreInput reads an input of the scenario core-refinement.
func readCoreInput(c scenario.Input) (negotiation.Config, []scenario.Op, error) {
	var to negotiation.Config
	var keys []scenario.Key
	for _, f := range modelFields(&to) {
		keys = append(keys, f.Key)
	}
	cfg, ops, err := scenario.ReadInput(c, keys, coreVerbs())
	if err != nil {
		return negotiation.Config{}, nil, err
	}
	for _, f := range modelFields(&to) {
		f.set(cfg.Number(f.Name))
	}
	return to, ops, nil
}

// coreVerbs are the actions of the model. The argument is the number of the outcome among those that the action
// has in the state.
func coreVerbs() (verbs scenario.Verbs) {
	for _, name := range negotiation.ActionNames() {
		verbs = append(verbs, namedVerb(actionVerb(name), "machine"))
	}
	return verbs
}

func actionVerb(name string) string { return strings.ReplaceAll(name, " ", "-") }

// coreModel is the model of the session layer.
type coreModel struct{ *negotiation.Model }

// opName implements [refinementTarget].
func (m coreModel) opName(action int) (proc, verb string) {
	return "machine", actionVerb(m.Actions()[action])
}

func coreRefinementScenario() *scenario.Scenario {
	return &scenario.Scenario{
		Name: "core-refinement", Verbs: coreVerbs(), Generate: genCoreRefinement, Compile: compileCoreRefinement, OneTask: true,
		Sometimes: []string{"established", "freed", "restarted"},
		Doc:       "the core of the session layer beside its model, negotiation, step by step",
		Long: `Walks through the model of the session layer (simrun model negotiation) and lets the real one,
layer.Core, take the same steps: a message of the model is a message to the core, the death of an application is the end of
a channel, that of the layer puts a core of the next epoch in its place.
The core must send the messages of the model, to the same applications in the same order about the same sessions
and segments (RefinesCore). A workload is a list of actions, each with the number of its outcome; actions that are
not possible in their place are skipped. simrun model --export writes counterexamples of the model as workloads of
this scenario.`,
	}
}

func genCoreRefinement(src scenario.Source) scenario.Input {
	b := &scenario.Builder{Src: src, Verbs: coreVerbs()}
	clients := b.Number("clients", 1, 2)
	if clients == 1 { // else more segments could be on their way out than the model has
		b.Number("connects", 2, 1)
	} else {
		b.Set("connects", 1)
	}
	sessions := b.Number("sessions", 1, 2)
	b.Number("each", 1, sessions)
	leave := 0
	for _, flag := range []string{"half", "unbind", "fail"} {
		b.Number(flag, 0, 1)
	}
	for _, flag := range []string{"deaths", "detaches"} {
		leave += b.Number(flag, 0, 1)
	}
	rude := 0
	if leave == 0 {
		rude = b.Number("rude", 0, 1)
	}
	if clients == 1 { // time passes for all pairs
		b.Number("linger", 0, 1)
	}
	if rude == 0 {
		b.Number("restart", 0, 1)
	}
	cfg, _, err := readCoreInput(b.Input)
	if err != nil {
		panic(err) // the generator is wrong
	}
	m, err := negotiation.New(cfg)
	if err != nil {
		panic(err)
	}
	randomWalk(b, coreModel{m}, m.Init()[0], 8+src.Intn(40, "steps"))
	return b.Input
}

func compileCoreRefinement(c scenario.Input) (scenario.Program, error) {
	cfg, ops, err := readCoreInput(c)
	if err != nil {
		return scenario.Program{}, err
	}
	m, err := negotiation.New(cfg)
	if err == nil && m.Rude > 0 && m.Deaths+m.Detaches > 0 {
		// A message about an object that only an application that left was told of has no meaning in the model.
		err = errors.New("rude applications that leave cannot be compared")
	}
	if err != nil {
		return scenario.Program{}, err
	}
	return refinementProgram(nameCoreStep, func(w *sim.World, word shm.Uint64) {
		d := newCoreDriver(m)
		walk(w, coreModel{m}, m.Init()[0], ops, word, func(e transition[negotiation.State]) error {
			before, _ := e.from.Live()
			if after, _ := e.to.Live(); after < before {
				w.Sometimes("freed")
			}
			if e.to.Established() {
				w.Sometimes("established")
			}
			if m.Falls(e.action) {
				w.Sometimes("restarted")
			}
			return d.step(e)
		})
	}), nil
}

// ExportCore returns a counterexample of the model with a mistake, as a trace of the scenario core-refinement. The
// session layer passes the trace, and fails it if it makes the same mistake. The error is that of the model, or says
// that there is no counterexample.
func ExportCore(ctx context.Context, c negotiation.Config, variant string, o check.Options) (*trace.Trace, error) {
	wrong, err := negotiation.New(c, variant)
	if err != nil {
		return nil, err
	}
	right, err := negotiation.New(c)
	if err != nil {
		return nil, err
	}
	ops, story, err := counterexample(ctx, coreModel{wrong}, o)
	if err != nil {
		return nil, err
	}
	b := &scenario.Builder{Verbs: coreVerbs()}
	for _, f := range modelFields(&c) {
		if n := f.get(); n != f.Default {
			b.Set(f.Name, n)
		}
	}
	for _, o := range ops {
		b.Op(o.Proc, o.Do)
	}
	extend(b, coreModel{right}, right.Init()[0], ops, extraSteps, right.Calm, newCoreDriver(right).step)
	return &trace.Trace{Story: story, Scenario: "core-refinement", Config: b.Input.Config, Workload: b.Input.Workload, Want: trace.Pass}, nil
}

// extraSteps is the number of steps after a counterexample: enough to end all sessions and to begin new ones.
const extraSteps = 40
