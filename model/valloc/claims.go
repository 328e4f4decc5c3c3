package valloc

// The properties that variants violate.
const (
	noOverlap       = "S1: no two segments overlap"
	onPages         = "S1: a segment starts on a page"
	noOverlapHere   = "S2: no two mappings of a process overlap"
	notTooEarly     = "S8: a range is used again only when each process told to map it has acknowledged or died"
	freedOnce       = "S9: what is given back is allocated"
	keptUntilClosed = "S9: a segment stays until it is closed"
	toldWhileLive   = "S10: no process is told to map a segment that closes"
	unmapOnce       = "S10: a process told to unmap a segment has mapped it, and one told to map it has not"
	ownPair         = "S16: a segment is that of two processes"
	noneLost        = "S19: every unit is free or allocated, and not both"
	oneChunk        = "S19: without segments the space is one chunk"
	ownMemory       = "S21: a process that maps a segment maps the memory of that segment"
	freed           = "L2: a segment that closes is freed"
)
