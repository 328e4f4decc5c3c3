package signal

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
	return &Model{c, set}, nil
}

// Entry returns the machine's entry in the catalog.
func Entry() catalog.Entry {
	return catalog.Of("signal", "one fifo, its event and its dequeue notification, sleeping sides",
		Configs(), Variants(), New)
}
