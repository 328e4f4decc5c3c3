package valloc

import "cutthrough/model/catalog"

// The variants, by their number in the table.
const (
	marginTooSmall = iota
	splitTooSmall
	releaseMovedBase
	coalesceForgetsLeft
	coalesceForgetsRight
	untoldLost
	reuseBeforeAck
	freedTwice
	ackBeforeUnmap
	unmapToUntold
	deathForgotten
	deathNotCollected
	sizesNotRounded
	descriptorsCounted
	toldWhileClosing
	closedByDeath
	toldToAll
)

// Variants returns the mistakes that the machine can make.
func Variants() []catalog.Variant {
	return []catalog.Variant{
		marginTooSmall: {Name: "margin-too-small", Row: "H-26", Property: noOverlap, Config: "moved",
			Doc: "segments are moved in their ranges by more than the guard"},
		splitTooSmall: {Name: "split-too-small", Row: "H-26", Property: noneLost, Config: "small",
			Doc: "what is left of a chunk starts inside what was taken from it"},
		releaseMovedBase: {Name: "release-moved-base", Row: "P10", Property: freedOnce, Config: "moved",
			Doc: "a range is given back where the segment started in it"},
		coalesceForgetsLeft: {Name: "coalesce-forgets-left", Row: "-", Property: oneChunk, Config: "small",
			Doc: "a range that is given back does not join the chunk before it"},
		coalesceForgetsRight: {Name: "coalesce-forgets-right", Row: "-", Property: oneChunk, Config: "small",
			Doc: "a range that is given back does not join the chunk behind it"},
		untoldLost: {Name: "untold-lost", Row: "H-17", Property: noneLost, Config: "small",
			Doc: "a segment that closes before any process was told of it keeps its range"},
		reuseBeforeAck: {Name: "reuse-before-ack", Row: "S8", Property: notTooEarly, Config: "small",
			Doc: "a range is free as soon as its processes were told to unmap it"},
		freedTwice: {Name: "freed-twice", Row: "H-03", Property: noneLost, Config: "small",
			Doc: "every acknowledgement gives the range back"},
		ackBeforeUnmap: {Name: "ack-before-unmap", Row: "H-32", Property: noOverlapHere, Config: "small",
			Doc: "a process unmaps after it has acknowledged"},
		unmapToUntold: {Name: "unmap-to-untold", Row: "H-33", Property: unmapOnce, Config: "small",
			Doc: "when a segment closes every process is told to unmap it"},
		deathForgotten: {Name: "death-forgotten", Row: "H-03b", Property: unmapOnce, Config: "medium",
			Doc: "a process is asked for what its dead predecessor was told"},
		deathNotCollected: {Name: "death-not-collected", Row: "L3", Property: freed, Config: "medium",
			Doc: "a segment is not freed when the last process that had it has died"},
		sizesNotRounded: {Name: "sizes-not-rounded", Row: "H-01", Property: onPages, Config: "pages",
			Doc: "a range is as long as its segment, which need not be whole pages"},
		descriptorsCounted: {Name: "descriptors-counted", Row: "H-13", Property: ownMemory, Config: "small",
			Doc: "an unmap comes with a descriptor, too, which stays in the channel until the next map"},
		toldWhileClosing: {Name: "told-while-closing", Row: "S10", Property: toldWhileLive, Config: "small",
			Doc: "a process is told to map a segment that closes"},
		closedByDeath: {Name: "closed-by-death", Row: "S9", Property: keptUntilClosed, Config: "medium",
			Doc: "a segment that is not closed is freed when the last process that had it dies"},
		toldToAll: {Name: "told-to-all", Row: "S16", Property: ownPair, Config: "three",
			Doc: "a segment of two processes is told of to a third"},
	}
}
