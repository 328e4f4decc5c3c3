package layer

// Totals counts what a session layer has.
type Totals struct {
	Apps      int
	Listeners int
	Sessions  int
	Segments  int
	Address   uint64 // bytes of the address space that are taken, guards included
}

// Totals returns the counts, in constant time.
func (l *Core) Totals() Totals {
	return Totals{
		Apps: l.apps.Len(), Listeners: l.listeners.Len(), Sessions: l.sessions.Len(),
		Segments: l.segments.Len(), Address: l.segments.InUse(),
	}
}

// Defaults returns the configuration that the zero Config stands for.
func Defaults() Config { return Config{}.withDefaults() }

// Validate returns what is wrong with c once its zero fields have their defaults: [New] panics then.
func (c Config) Validate() error { return c.withDefaults().check() }
