package segments

import (
	"slices"

	"cutthrough/impl/wire"
)

// State is where a segment is in its life.
type State uint8

// The states, in order.
const (
	Creating State = iota // it has its place, and no memory yet
	Live
	Closing   // no session gets memory in it any more
	Releasing // no application has it, and its memory is being given back
)

// String returns the state as charts print it.
func (s State) String() string { return [...]string{"creating", "live", "closing", "releasing"}[s] }

// BlockAlign is the alignment of blocks in a segment in bytes; larger than a cache line, so that two sessions
// never share one.
const BlockAlign = 256

// Segment is a piece of shared memory that belongs to a pair of applications, its place, and what each side
// (0, 1) knows of it. A [Manager] sets Handle, Owner, Base and Size; the rest is its user's.
type Segment struct {
	Handle wire.Handle
	Owner  wire.Handle // the pair
	Base   wire.Location
	Size   uint64 // bytes
	State  State

	Payer   int           // the side whose quota it counts against
	Held    [2]int        // sessions in it that the side has not given up
	Zeroing int           // fifos that are over and not zeroed so far
	Waiting []wire.Handle // sessions that wait until it is created, or a fifo of it zeroed
	Queues  [2]uint64     // offsets of event queues, if there are any
	// Announced: the side was told to map and has not acknowledged an unmap. The place is not
	// used again before both are false.
	Announced [2]bool
	Mapped    [2]bool // the side has answered that it has
	Unmapping [2]bool
	Failed    [2]bool // the side could not map it the last time it was told

	space *Space
}

// Alloc finds room for all blocks and sets their offsets, or for none and returns false.
func (g *Segment) Alloc(blocks []Block) bool {
	for i := range blocks {
		at, ok := g.space.Alloc(blocks[i].Bytes())
		if !ok {
			g.Free(blocks[:i])
			return false
		}
		blocks[i].Off = uint64(at)
	}
	return true
}

// Free gives back blocks that Alloc placed. It panics on any other.
func (g *Segment) Free(blocks []Block) {
	for _, b := range blocks {
		g.space.Release(wire.Location(b.Off), b.Bytes())
	}
}

// InUse returns how many bytes blocks take.
func (g *Segment) InUse() uint64 { return g.space.InUse() }

// Takes returns how many bytes b takes in a segment.
func Takes(b Block) uint64 { return (b.Bytes() + BlockAlign - 1) &^ (BlockAlign - 1) }

func (g *Segment) clone() {
	g.Waiting, g.space = slices.Clone(g.Waiting), g.space.Clone()
}
