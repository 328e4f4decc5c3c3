package core

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"cutthrough/internal/proctest"
	"cutthrough/model/negotiation"
)

// TestCoreRefinesModel drives the real session layer through every step from every reachable state of the model
// negotiation, in small configurations. After each step the layer must have sent the messages of the model, to the
// same applications in the same order about the same objects, and have as many sessions and segments.
func TestCoreRefinesModel(t *testing.T) {
	configs := []negotiation.Config{
		{Clients: 1, Connects: 2, Sessions: 1, Segments: 2, Each: 1, Deaths: 1, Detaches: 2},
		{Clients: 1, Connects: 2, Sessions: 2, Segments: 2, Each: 2},
		{Clients: 1, Connects: 2, Sessions: 1, Segments: 2, Each: 1, Silent: true, Timeouts: true},
		{Clients: 1, Connects: 2, Sessions: 2, Segments: 2, Each: 2, Linger: true},
		{Clients: 1, Connects: 2, Sessions: 1, Segments: 2, Each: 1, Fail: true},
		{Clients: 1, Connects: 2, Sessions: 1, Segments: 2, Each: 1, Half: true, Unbind: true},
		{Clients: 2, Connects: 1, Sessions: 2, Segments: 2, Each: 2},
		{Clients: 1, Connects: 2, Sessions: 1, Segments: 2, Each: 1, Deaths: 1, Detaches: 1, Timeouts: true},
		{Clients: 1, Connects: 2, Sessions: 2, Segments: 3, Each: 1, Deaths: 1, Detaches: 1, Fail: true},
		{Clients: 1, Connects: 2, Sessions: 2, Segments: 3, Each: 1, Detaches: 2},
		{Clients: 1, Connects: 2, Sessions: 1, Segments: 2, Each: 1, Rude: 1},
		{Clients: 1, Connects: 2, Sessions: 2, Segments: 2, Each: 2, Restart: true},
		{Clients: 1, Connects: 2, Sessions: 1, Segments: 2, Each: 1, Deaths: 1, Unbind: true, Restart: true},
	}
	for _, c := range configs[:proctest.Rounds(t, 5, len(configs))] {
		m, err := negotiation.New(c)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(m.Name(), func(t *testing.T) {
			x := coreModel{m}
			n, err := driveTransitions(x, m.Init()[0], func() func(transition[negotiation.State]) error { return newCoreDriver(m).step })
			if err != nil || n == 0 {
				t.Fatal(err)
			}
			t.Logf("%d edges between states, each driven", n)
		})
	}
}

// driveTransitions walks the graph of a model breadth first, and drives fresh code along the shortest path to each
// state and then over each of its edges. It returns the number of edges.
func driveTransitions[S comparable](m refinementTarget[S], start S, fresh func() func(transition[S]) error) (edges int, err error) {
	way := map[S]*transition[S]{start: nil} // the step by which each state was first reached
	for todo := []S{start}; len(todo) > 0; todo = todo[1:] {
		next := transitionsFrom(m, todo[0])
		for i, e := range next {
			if slices.Contains(next[:i], e) {
				continue // two choices with one outcome
			}
			path := []transition[S]{e}
			for back := way[e.from]; back != nil; back = way[back.from] {
				path = append(path, *back)
			}
			slices.Reverse(path)
			drive := fresh()
			for i, e := range path {
				if err := drive(e); err != nil {
					return edges, fmt.Errorf("%w\n%s", err, describePath(m, path[:i+1]))
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

func describePath[S comparable](m refinementTarget[S], path []transition[S]) string {
	var b strings.Builder
	for _, e := range path {
		o := opOf(m, e)
		fmt.Fprintf(&b, "%s %v\n\t%s\n", o.Proc, o.Do, m.Describe(e.to))
	}
	return b.String()
}
