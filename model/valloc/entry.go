package valloc

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
	return &Model{c, set, orders(c.Processes)}, nil
}

// Entry returns the machine's entry in the catalog.
func Entry() catalog.Entry {
	return catalog.Of("valloc", "ranges of the address space, told, unmapped, acknowledged and used again",
		Configs(), Variants(), New)
}
