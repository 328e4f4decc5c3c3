package layer

// Totals counts what a session layer has.
type Totals struct {
	Apps      int
	Listeners int
	Sessions  int
	Segments  int
	Bytes     uint64 // of all segments
	Address   uint64 // bytes of the address space that are taken, guards included
}

// Totals returns the counts, in constant time.
func (l *Core) Totals() Totals {
	return Totals{
		Apps: l.apps.Len(), Listeners: l.listeners.Len(), Sessions: l.sessions.Len(),
		Segments: l.segments.Len(), Bytes: l.bytes, Address: l.segments.InUse(),
	}
}
