package core

import (
	"testing"

	"cutthrough/internal/proctest"
	"cutthrough/model/check"
	"cutthrough/model/valloc"
)

var (
	spaceDeath = valloc.Config{Units: 4, Segments: 2, Processes: 2, Size: 2, Page: 1, Death: true}
	spaceMoved = valloc.Config{Units: 5, Segments: 2, Processes: 2, Size: 2, Page: 1, Offset: 1}
	spacePages = valloc.Config{Units: 6, Segments: 2, Processes: 2, Size: 3, Page: 2}
)

// TestAddrspaceModelHolds: the restricted model of the address space holds all properties. Else its counterexamples
// would show the restriction and not the mistake.
func TestAddrspaceModelHolds(t *testing.T) {
	for _, c := range []valloc.Config{spaceDeath, spaceMoved, spacePages} {
		m, err := valloc.New(c)
		if err != nil {
			t.Fatal(err)
		}
		r, err := check.Run(t.Context(), addrspaceModel{m}, check.Options{KeepGoing: true})
		if err != nil || r.Verdict != check.Holds {
			t.Errorf("%s: %v, %v", m.Name(), r.Verdict, err)
		}
	}
}

// TestAddrspaceRefinesModel drives the real session layer through every step of the model of the address space, as
// TestCoreRefinesModel does with the model negotiation.
func TestAddrspaceRefinesModel(t *testing.T) {
	small := valloc.Config{Units: 2, Segments: 2, Processes: 2, Size: 1, Page: 1, Death: true}
	configs := []valloc.Config{small, spacePages, spaceDeath}
	for _, c := range configs[:proctest.Rounds(t, 1, len(configs))] {
		v, err := valloc.New(c)
		if err != nil {
			t.Fatal(err)
		}
		m := addrspaceModel{v}
		t.Run(m.Name(), func(t *testing.T) {
			n, err := driveTransitions(m, m.Init()[0], func() func(transition[valloc.State]) error { return newAddrspaceDriver(m).step })
			if err != nil || n == 0 {
				t.Fatal(err)
			}
			t.Logf("%d edges between states, each driven", n)
		})
	}
}
