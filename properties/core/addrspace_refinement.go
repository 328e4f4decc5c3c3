package core

import (
	"context"

	"cutthrough/model/check"
	"cutthrough/model/valloc"
	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"
)

var nameAddrspaceStep = shm.NewName("addrspace-refinement.step")

// addrspaceModel is the model of the address space restricted to the steps of a session layer with two
// applications. Segment i is created for a connect to application i, which is told to map it first; the other
// application is told when application i has mapped it and accepts. When the only session in it is over, both are
// told to unmap. An application dies only while no segment is open, because a dead one could not close its session,
// and no connect is made while one is dead.
type addrspaceModel struct{ *valloc.Model }

// Next implements [check.Model].
func (m addrspaceModel) Next(s valloc.State, emit func(int, valloc.State)) {
	m.Model.Next(s, func(action int, t valloc.State) {
		if m.possible(s, m.Step(s, action, t)) {
			emit(action, t)
		}
	})
}

// possible says whether the session layer and two applications can take a step. A step that the layer owes comes
// before its other steps; steps of the applications meanwhile commute with it.
func (m addrspaceModel) possible(s valloc.State, x valloc.Step) bool {
	op, i := m.owing(s)
	switch x.Op {
	case valloc.OpMap, valloc.OpUnmap, valloc.OpAck:
		return true
	}
	if i >= 0 {
		return x.Op == op && x.Segment == i && (op == valloc.OpAsk || x.Process == i)
	}
	switch x.Op {
	case valloc.OpTell:
		return x.Process != x.Segment && s.Maps(x.Segment, x.Segment)
	case valloc.OpCreate:
		return !s.Dead(0) && !s.Dead(1)
	case valloc.OpDie:
		return m.open(s) == 0
	}
	return true
}

// owing returns the step that the layer takes together with its last one, and its segment; -1 for none.
func (m addrspaceModel) owing(s valloc.State) (valloc.Op, int) {
	for i := range int(m.Segments) {
		switch g := s.Segment(i); {
		case g.There && !g.Closing && g.Told == 0:
			return valloc.OpTell, i
		case g.Closing && g.Told&^g.Asked != 0:
			return valloc.OpAsk, i
		}
	}
	return 0, -1
}

// open returns the number of segments that are not closing.
func (m addrspaceModel) open(s valloc.State) (n int) {
	for i := range int(m.Segments) {
		if g := s.Segment(i); g.There && !g.Closing {
			n++
		}
	}
	return n
}

var addrspaceNames = [...]string{
	valloc.OpCreate: "create", valloc.OpClose: "close", valloc.OpTell: "tell", valloc.OpAsk: "ask", valloc.OpAck: "take",
	valloc.OpMap: "map", valloc.OpUnmap: "unmap", valloc.OpDie: "die", valloc.OpNotice: "return",
}

var addrspaceApps = []string{"app0", "app1"}

// opName implements [refinementTarget].
func (m addrspaceModel) opName(action int) (proc, verb string) {
	op, p := m.Op(action)
	if op == valloc.OpCreate || op == valloc.OpClose {
		return "layer", addrspaceNames[op]
	}
	return addrspaceApps[p], addrspaceNames[op]
}

func addrspaceVerbs() (verbs scenario.Verbs) {
	for op, name := range addrspaceNames {
		procs := addrspaceApps
		if op == int(valloc.OpCreate) || op == int(valloc.OpClose) {
			procs = []string{"layer"}
		}
		verbs = append(verbs, namedVerb(name, procs...))
	}
	return verbs
}

func addrspaceKeys() []scenario.Key {
	return []scenario.Key{
		{Name: "units", Default: 4, Min: 1, Max: 12}, {Name: "segments", Default: 2, Min: 1, Max: 2}, {Name: "size", Default: 2, Min: 1, Max: 3},
		{Name: "offset", Max: 2}, {Name: "page", Default: 1, Min: 1, Max: 2}, {Name: "death", Max: 1},
	}
}

// readAddrspaceInput reads an input of the scenario addrspace-refinement.
func readAddrspaceInput(c scenario.Input) (addrspaceModel, []scenario.Op, error) {
	cfg, ops, err := scenario.ReadInput(c, addrspaceKeys(), addrspaceVerbs())
	if err != nil {
		return addrspaceModel{}, nil, err
	}
	n := func(name string) uint8 { return uint8(cfg.Number(name)) }
	m, err := valloc.New(valloc.Config{
		Processes: 2, Units: n("units"), Segments: n("segments"), Size: n("size"), Offset: n("offset"), Page: n("page"), Death: n("death") > 0,
	})
	return addrspaceModel{m}, ops, err
}

// setAddrspaceConfig sets the configuration of an input.
func setAddrspaceConfig(b *scenario.Builder, c valloc.Config) {
	death := 0
	if c.Death {
		death = 1
	}
	values := []int{int(c.Units), int(c.Segments), int(c.Size), int(c.Offset), int(c.Page), death}
	for i, k := range addrspaceKeys() {
		if values[i] != k.Default {
			b.Set(k.Name, values[i])
		}
	}
}

func addrspaceRefinementScenario() *scenario.Scenario {
	return &scenario.Scenario{
		Name: "addrspace-refinement", Verbs: addrspaceVerbs(), Generate: genAddrspace, Compile: compileAddrspace, OneTask: true,
		Sometimes: []string{"used again", "full", "died"},
		Doc:       "the address space of the session layer beside its model, valloc, step by step",
		Long: `Walks through the model of the address space (simrun model valloc) and lets the real session layer,
layer.Core, take the same steps with two applications that serve each other: segments are created by connects and
closed with their sessions. The applications must be told to map and to unmap the segments of the model, at its
places, and there must be as many segments (RefinesCore). A workload is a list of steps, each with its number among
those of its name; steps that are not possible in their place are skipped. simrun model --export writes counterexamples of the model as
workloads of this scenario.`,
	}
}

func genAddrspace(src scenario.Source) scenario.Input {
	b := &scenario.Builder{Src: src, Verbs: addrspaceVerbs()}
	b.Number("units", 4, 3, 2, 6)
	b.Number("size", 2, 1, 3)
	b.Number("page", 1, 2)
	b.Number("death", 0, 1)
	m, _, err := readAddrspaceInput(b.Input)
	if err != nil {
		panic(err) // the generator is wrong
	}
	randomWalk(b, m, m.Init()[0], 8+src.Intn(60, "steps"))
	return b.Input
}

func compileAddrspace(c scenario.Input) (scenario.Program, error) {
	m, ops, err := readAddrspaceInput(c)
	if err != nil {
		return scenario.Program{}, err
	}
	walkBeside := func(w *sim.World, word shm.Uint64) {
		d := newAddrspaceDriver(m)
		used := uint16(0)
		walk(w, m, m.Init()[0], ops, word, func(e transition[valloc.State]) error {
			x := m.Step(e.from, e.action, e.to)
			switch g := e.to.Segment(x.Segment); {
			case x.Op == valloc.OpDie:
				w.Sometimes("died")
			case x.Op == valloc.OpCreate:
				units := uint16(1<<g.Units-1) << g.At
				if used&units != 0 {
					w.Sometimes("used again")
				}
				used |= units
				if other := e.to.Segment(1 - x.Segment); other.Units+g.Units == m.Units {
					w.Sometimes("full")
				}
			}
			return d.step(e)
		})
	}
	return refinementProgram(nameAddrspaceStep, walkBeside), nil
}

// ExportAddressSpace returns a counterexample of the model of the address space with a mistake, as a trace of the
// scenario addrspace-refinement. The session layer passes the trace, and fails it if it makes the same mistake. Of
// the configuration at most two segments and two processes are used. The error is that of the model, or says that
// there is no counterexample that the session layer can follow.
func ExportAddressSpace(ctx context.Context, c valloc.Config, variant string, o check.Options) (*trace.Trace, error) {
	c.Segments, c.Processes, c.Safety = min(c.Segments, 2), 2, false
	o.Symmetry = false // each application has a part of its own
	wrong, err := valloc.New(c, variant)
	if err != nil {
		return nil, err
	}
	ops, story, err := counterexample(ctx, addrspaceModel{wrong}, o)
	if err != nil {
		return nil, err
	}
	b := &scenario.Builder{Verbs: addrspaceVerbs()}
	setAddrspaceConfig(b, c)
	for _, o := range ops {
		b.Op(o.Proc, o.Do)
	}
	return &trace.Trace{Story: story, Scenario: "addrspace-refinement", Config: b.Input.Config, Workload: b.Input.Workload, Want: trace.Pass}, nil
}
