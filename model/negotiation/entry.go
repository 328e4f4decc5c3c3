package negotiation

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
	m := &Model{Config: c, apps: int(c.Clients) + 1, variants: set}
	for action := range numActions {
		m.numbers[action] = -1
		if name := m.action(action); name != "" {
			m.numbers[action] = len(m.names)
			m.names = append(m.names, name)
		}
	}
	return m, nil
}

// Entry returns the machine's entry in the catalog.
func Entry() catalog.Entry {
	return catalog.Of("negotiation", "the session layer, a server and its clients: connect, accept, close, leave, die",
		Configs(), Variants(), New)
}
