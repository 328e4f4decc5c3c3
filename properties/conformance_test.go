package properties

import (
	"fmt"
	"slices"
	"testing"

	"cutthrough/model/check"
	"cutthrough/model/negotiation"
	"cutthrough/sim/trace"
)

// TestLayerConforms drives the real session layer through every step that the machine of
// package negotiation can take from every state that it can reach, in small configurations.
// After each the layer must have said what the machine says, to the same applications in the
// same order about the same things, and have as many sessions and segments left.
func TestLayerConforms(t *testing.T) {
	for _, c := range []negotiation.Config{
		{Clients: 1, Connects: 2, Sessions: 1, Segments: 2, Each: 1, Deaths: 1, Detaches: 2},
		{Clients: 1, Connects: 2, Sessions: 1, Segments: 2, Each: 1, Half: true, Unbind: true},
		{Clients: 2, Connects: 1, Sessions: 2, Segments: 2, Each: 2},
		{Clients: 1, Connects: 2, Sessions: 2, Segments: 2, Each: 2},
		{Clients: 1, Connects: 2, Sessions: 1, Segments: 2, Each: 1, Silent: true, Timeouts: true},
		{Clients: 1, Connects: 2, Sessions: 2, Segments: 2, Each: 2, Linger: true},
		{Clients: 1, Connects: 2, Sessions: 1, Segments: 2, Each: 1, Fail: true},
		{Clients: 1, Connects: 2, Sessions: 1, Segments: 2, Each: 1, Rude: 1},
	} {
		m, err := negotiation.New(c)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(m.Name(), func(t *testing.T) {
			edges, driven, err := driveEdges(m)
			if err != nil {
				t.Fatal(err)
			}
			if len(driven) != edges || edges == 0 {
				t.Errorf("%d of %d edges driven", len(driven), edges)
			}
			t.Logf("%d edges between states, each driven", edges)
		})
	}
}

// driveEdges walks the graph of the machine breadth first and drives a fresh layer along the
// shortest way to each state and then over each of its edges.
func driveEdges(m *negotiation.Model) (edges int, driven map[edge]bool, err error) {
	start := m.Init()[0]
	way := map[negotiation.State]*edge{start: nil} // the step by which each state was first reached
	driven = map[edge]bool{}
	for todo := []negotiation.State{start}; len(todo) > 0; todo = todo[1:] {
		var next []edge
		m.Next(todo[0], func(action int, to negotiation.State) { next = append(next, edge{todo[0], action, to}) })
		for _, e := range next {
			edges++
			if driven[e] {
				edges-- // two choices with one outcome
				continue
			}
			path := []edge{e}
			for back := way[e.from]; back != nil; back = way[back.from] {
				path = append(path, *back)
			}
			slices.Reverse(path)
			if err := drivePath(m, path); err != nil {
				return edges, driven, fmt.Errorf("%w\n%s", err, describePath(m, path))
			}
			driven[e] = true
			if _, seen := way[e.to]; !seen {
				way[e.to] = &e
				todo = append(todo, e.to)
			}
		}
	}
	return edges, driven, nil
}

func describePath(m *negotiation.Model, path []edge) (text string) {
	for _, e := range path {
		text += m.Actions()[e.action] + "\n"
		for _, l := range m.Lines(e.from, e.action, e.to) {
			text += "\t" + m.Columns()[l.Column] + ": " + l.Text + "\n"
		}
	}
	return text
}

func drivePath(m *negotiation.Model, path []edge) error {
	d := newDriver(m)
	for _, e := range path {
		if err := d.step(e); err != nil {
			return err
		}
	}
	return nil
}

// TestExportMachine: what the machine does wrong with a mistake, the session layer does right.
func TestExportMachine(t *testing.T) {
	configs := map[string]negotiation.Config{}
	for _, c := range negotiation.Configs() {
		configs[c.Name] = c.Value
	}
	for _, v := range negotiation.Variants() {
		tr, err := ExportMachine(t.Context(), configs[v.Config], v.Name, check.Options{})
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		r, err := Replay(tr)
		if err != nil || r.Verdict != trace.Pass || len(tr.Workload) == 0 {
			t.Errorf("%s: %v, %v\n%s", v.Name, r.Verdict, err, trace.Format(tr))
		}
	}
}
