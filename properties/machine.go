package properties

import (
	"context"
	"errors"
	"strings"

	"cutthrough/model/check"
	"cutthrough/model/negotiation"
	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/trace"
)

var nameMachineStep = shm.NewName("machine.step")

// A machineField is a field of a configuration of the machine, a number or a flag.
type machineField struct {
	key
	number *uint8
	flag   *bool
}

func machineFields(c *negotiation.Config) []machineField {
	return []machineField{
		{key{name: "clients", def: 1, min: 1, max: 2}, &c.Clients, nil},
		{key{name: "connects", def: 2, min: 1, max: 3}, &c.Connects, nil},
		{key{name: "sessions", def: 1, min: 1, max: 3}, &c.Sessions, nil},
		{key{name: "segments", def: 3, min: 1, max: 3}, &c.Segments, nil},
		{key{name: "each", def: 1, min: 1, max: 2}, &c.Each, nil},
		{key{name: "deaths", max: 3}, &c.Deaths, nil},
		{key{name: "detaches", max: 3}, &c.Detaches, nil},
		{key{name: "rude", max: 3}, &c.Rude, nil},
		{key{name: "half", max: 1}, nil, &c.Half},
		{key{name: "unbind", max: 1}, nil, &c.Unbind},
		{key{name: "fail", max: 1}, nil, &c.Fail},
		{key{name: "silent", max: 1}, nil, &c.Silent},
		{key{name: "timeouts", max: 1}, nil, &c.Timeouts},
		{key{name: "linger", max: 1}, nil, &c.Linger},
	}
}

// set sets the field to a value within the bounds of its key.
func (f machineField) set(v int) {
	if f.flag != nil {
		*f.flag = v != 0
		return
	}
	*f.number = uint8(v)
}

// get returns the value of the field.
func (f machineField) get() int {
	switch {
	case f.flag == nil:
		return int(*f.number)
	case *f.flag:
		return 1
	}
	return 0
}

// readMachine reads a case of the machine.
func readMachine(c sim.Case) (negotiation.Config, []op, error) {
	var to negotiation.Config
	var keys []key
	for _, f := range machineFields(&to) {
		keys = append(keys, f.key)
	}
	cfg, ops, err := readCase(c, keys, machineVerbs())
	if err != nil {
		return negotiation.Config{}, nil, err
	}
	for _, f := range machineFields(&to) {
		f.set(cfg.numbers[f.name])
	}
	return to, ops, nil
}

// machineVerbs are the actions of the machine, each with the number of its outcome among those that
// the action may have in that state.
func machineVerbs() []verb {
	var verbs []verb
	for _, name := range negotiation.ActionNames() {
		verbs = append(verbs, verb{actionVerb(name), []string{"machine"}, [][2]int{{0, 255}}})
	}
	return verbs
}

func actionVerb(name string) string { return strings.ReplaceAll(name, " ", "-") }

// sessionMachine is the machine of the session layer.
type sessionMachine struct{ *negotiation.Model }

// named implements [walkable].
func (m sessionMachine) named(action int) (proc, verb string) {
	return "machine", actionVerb(m.Actions()[action])
}

func machineScenario() *sim.Test {
	return &sim.Test{
		Name: "machine", Generate: genMachine, Compile: compileMachine, OneTask: true,
		Sometimes: []string{"established", "freed"},
		Doc:       "the core of the session layer beside its machine, the model negotiation, step by step",
		Long: `Walks through the machine of the session layer (simrun model negotiation) and has the real
one, impl.Layer, do the same: what the machine takes it gets as a message, a death as the end of
a channel, and what it says must be what the machine says, to the same applications in the same
order about the same sessions and segments (Conforms). A workload is a list of actions, each with
the number of its outcome; what is not possible any more in its place is left out. simrun model
--export writes counterexamples of the model as workloads of this scenario.`,
	}
}

func genMachine(src sim.Source) sim.Case {
	b := &builder{src: src}
	clients := b.number("clients", 1, 2)
	if clients == 1 { // or more segments could be on their way out than the machine has
		b.number("connects", 2, 1)
	} else {
		b.set("connects", 1)
	}
	sessions := b.number("sessions", 1, 2)
	b.number("each", 1, sessions)
	leave := 0
	for _, flag := range []string{"half", "unbind", "fail"} {
		b.number(flag, 0, 1)
	}
	for _, flag := range []string{"deaths", "detaches"} {
		leave += b.number(flag, 0, 1)
	}
	if leave == 0 {
		b.number("rude", 0, 1)
	}
	if clients == 1 { // time passes for all pairs
		b.number("linger", 0, 1)
	}
	cfg, _, err := readMachine(b.c)
	if err != nil {
		panic(err) // of our own making
	}
	m, err := negotiation.New(cfg)
	if err != nil {
		panic(err)
	}
	stroll(b, sessionMachine{m}, m.Init()[0], 8+src.Intn(40, "steps"))
	return b.c
}

func compileMachine(c sim.Case) (sim.Program, error) {
	cfg, ops, err := readMachine(c)
	if err != nil {
		return sim.Program{}, err
	}
	m, err := negotiation.New(cfg)
	if err == nil && m.Rude > 0 && m.Deaths+m.Detaches > 0 {
		// What is said about things that only somebody who has left was told of means nothing here.
		err = errors.New("rude applications that leave cannot be compared")
	}
	if err != nil {
		return sim.Program{}, err
	}
	return besideMachine(nameMachineStep, func(w *sim.World, word shm.Uint64) {
		d := newDriver(m)
		walk(w, sessionMachine{m}, m.Init()[0], ops, word, func(e stride[negotiation.State]) error {
			before, _ := e.from.Live()
			if after, _ := e.to.Live(); after < before {
				w.Sometimes("freed")
			}
			if e.to.Established() {
				w.Sometimes("established")
			}
			return d.step(e)
		})
	}), nil
}

// ExportMachine returns a counterexample of the machine with a mistake, as a trace of the scenario
// machine: the session layer passes it, and should not if it makes the same mistake. The error
// is one of the model, or says that there is no counterexample.
func ExportMachine(ctx context.Context, c negotiation.Config, variant string, o check.Options) (*trace.Trace, error) {
	wrong, err := negotiation.New(c, variant)
	if err != nil {
		return nil, err
	}
	right, err := negotiation.New(c)
	if err != nil {
		return nil, err
	}
	ops, story, err := mistaken(ctx, sessionMachine{wrong}, o)
	if err != nil {
		return nil, err
	}
	b := &builder{}
	for _, f := range machineFields(&c) {
		if n := f.get(); n != f.def {
			b.set(f.name, n)
		}
	}
	b.ops(ops)
	goOn(b, sessionMachine{right}, right.Init()[0], ops, afterwards, right.Calm, newDriver(right).step)
	return &trace.Trace{Story: story, Scenario: "machine", Config: b.c.Config, Workload: b.c.Workload, Want: trace.Pass}, nil
}

// afterwards is how many steps a counterexample goes on: enough to end what is there and to begin anew.
const afterwards = 40
