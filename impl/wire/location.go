package wire

// Location is a place in the one address space of the session layer. Segments are placed in it so that they
// never overlap; an application maps a segment wherever its kernel likes and resolves locations through a
// table. 0 is none.
type Location uint64
