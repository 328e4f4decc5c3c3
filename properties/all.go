package properties

import (
	"slices"

	"cutthrough/properties/core"
	"cutthrough/properties/memory"
	"cutthrough/properties/session"
	"cutthrough/sim/scenario"
)

// All returns the scenarios of this module. Each call returns a list of its own.
func All() scenario.Registry {
	return slices.Concat(memory.Scenarios(), session.Scenarios(), core.Scenarios())
}
