package server

import (
	"testing"

	"go.uber.org/goleak"

	"cutthrough/impl/layer"
)

const testURI = "tcp://127.0.0.1/80"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// checkedCore is a core whose invariants are checked after every step.
type checkedCore struct {
	*layer.Core
	broken func(error)
}

func (c checkedCore) Step(ev layer.Event) []layer.Effect {
	effects := c.Core.Step(ev)
	if err := c.CheckInvariants(); err != nil {
		c.broken(err)
	}
	return effects
}
