package evq

import "cutthrough/model/catalog"

// New returns the machine, with the named mistakes. ErrConfig,
// [catalog.ErrUnknown].
func New(c Config, variants ...string) (*Model, error) {
	set, err := catalog.Select(Variants(), variants)
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return nil, err
	}
	m := &Model{Config: c, variants: set, orders: orders(c.Producers), ops: opsAlways}
	optional := func(has bool) int {
		if !has {
			return -1
		}
		m.ops++
		return m.ops - 1
	}
	m.opSpurious = optional(c.Spurious)
	m.opDie = optional(c.Death)
	m.opTell = optional(c.Death && !c.Unnoticed)
	return m, nil
}

// Entry returns the machine's entry in the catalog.
func Entry() catalog.Entry {
	return catalog.Of("evq", "an event queue with producers that die, sleeping producers and consumer",
		Configs(), Variants(), New)
}
