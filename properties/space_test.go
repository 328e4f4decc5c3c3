package properties

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"cutthrough/model/check"
	"cutthrough/model/valloc"
	"cutthrough/sim/trace"
)

var (
	spaceDeath = valloc.Config{Units: 4, Segments: 2, Processes: 2, Size: 2, Page: 1, Death: true}
	spaceMoved = valloc.Config{Units: 5, Segments: 2, Processes: 2, Size: 2, Page: 1, Offset: 1}
	spacePages = valloc.Config{Units: 6, Segments: 2, Processes: 2, Size: 3, Page: 2}
)

// TestSpaceHolds: the machine of the address space as the session layer has it does all that it does
// without, and as it should. Else its counterexamples would be about the limits of the session layer.
func TestSpaceHolds(t *testing.T) {
	for _, c := range []valloc.Config{spaceDeath, spaceMoved, spacePages} {
		m, err := valloc.New(c)
		if err != nil {
			t.Fatal(err)
		}
		r, err := check.Run(t.Context(), layerSpace{m}, check.Options{KeepGoing: true})
		if err != nil || r.Verdict != check.Holds {
			t.Errorf("%s: %v, %v", m.Name(), r.Verdict, err)
		}
	}
}

// TestSpaceConforms drives the real session layer through every step that the machine of the address
// space can take, as TestLayerConforms does with that of the sessions.
func TestSpaceConforms(t *testing.T) {
	for _, c := range []valloc.Config{spaceDeath, spacePages} {
		v, err := valloc.New(c)
		if err != nil {
			t.Fatal(err)
		}
		m := layerSpace{v}
		t.Run(m.Name(), func(t *testing.T) {
			n, err := driveStrides(m, m.Init()[0], func() func(stride[valloc.State]) error { return newSpaceDriver(m).step })
			if err != nil || n == 0 {
				t.Fatal(err)
			}
			t.Logf("%d edges between states, each driven", n)
		})
	}
}

// driveStrides walks the graph of a machine breadth first, and drives fresh code along the shortest
// way to each state and then over each of its edges. It returns how many there are.
func driveStrides[S comparable](m walkable[S], start S, fresh func() func(stride[S]) error) (edges int, err error) {
	way := map[S]*stride[S]{start: nil} // the step by which each state was first reached
	for todo := []S{start}; len(todo) > 0; todo = todo[1:] {
		next := stridesFrom(m, todo[0])
		for i, e := range next {
			if slices.Contains(next[:i], e) {
				continue // two choices with one outcome
			}
			path := []stride[S]{e}
			for back := way[e.from]; back != nil; back = way[back.from] {
				path = append(path, *back)
			}
			slices.Reverse(path)
			drive := fresh()
			for i, e := range path {
				if err := drive(e); err != nil {
					return edges, fmt.Errorf("%w\n%s", err, describeStrides(m, path[:i+1]))
				}
			}
			edges++
			if _, seen := way[e.to]; !seen {
				way[e.to] = &e
				todo = append(todo, e.to)
			}
		}
	}
	return edges, nil
}

func describeStrides[S comparable](m walkable[S], path []stride[S]) string {
	var b strings.Builder
	for _, e := range path {
		o := opOf(m, e)
		fmt.Fprintf(&b, "%s %s %d\n\t%s\n", o.proc, o.verb, o.args[0], m.Describe(e.to))
	}
	return b.String()
}

// TestExportSpace: what the machine does wrong with a mistake, the session layer does right. Those that
// it cannot follow are about a segment that nobody is told of, one that is open when all who have it have
// died, and a third application.
func TestExportSpace(t *testing.T) {
	configs := map[string]valloc.Config{}
	for _, c := range valloc.Configs() {
		configs[c.Name] = c.Value
	}
	for _, v := range valloc.Variants() {
		tr, err := ExportSpace(t.Context(), configs[v.Config], v.Name, check.Options{Symmetry: true})
		if not := []string{"untold-lost", "closed-by-death", "told-to-all"}; (err != nil) != slices.Contains(not, v.Name) {
			t.Errorf("%s: %v", v.Name, err)
		}
		if err != nil {
			continue
		}
		r, err := Replay(tr)
		if err != nil || r.Verdict != trace.Pass || len(tr.Workload) == 0 {
			t.Errorf("%s: %v, %v\n%s", v.Name, r.Verdict, err, trace.Format(tr))
		}
	}
}
