package segments

import (
	"cutthrough/shm/evq"
	"cutthrough/shm/fifo"
)

// Page is the unit of segment sizes and places.
const Page = 4096

// Block is a fifo or an event queue to make in a segment.
type Block struct {
	Off   uint64
	Fifo  uint64 // capacity in bytes, or 0
	Slots uint32 // slots of an event queue, or 0
}

// Bytes returns the length of b.
func (b Block) Bytes() uint64 {
	if b.Slots > 0 {
		return evq.Size(b.Slots)
	}
	return fifo.Size(b.Fifo)
}
