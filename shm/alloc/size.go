package alloc

import (
	"fmt"
	"math/bits"

	"cutthrough/shm"
)

// classSteps is the number of size classes per doubling. Classes 1 to 8 are 1 to 8 units; from
// there on eight steps double the size. A block is at most an eighth larger than requested, or 255
// bytes.
//
// Powers of two with midpoints would be fewer classes. But most blocks are a power of two of bytes
// behind a header, for which they would waste a third. The largest segment has 240 classes: a class
// fits in 8 bits.
const classSteps = 8

// unitsOf returns the number of units that hold n bytes.
func unitsOf(n uint64) uint64 { return (n + unitSize - 1) / unitSize }

// classOf returns the smallest class whose blocks have at least units units, 1 or more.
func classOf(units uint64) int {
	if units <= classSteps {
		return int(units) - 1
	}
	shift := bits.Len64(units-1) - 4
	mantissa := int((units-1)>>shift) + 1 // 9 to 16
	return classSteps*shift + mantissa - 1
}

// classUnits returns the size of the blocks of class, in units.
func classUnits(class int) uint64 {
	if class < classSteps {
		return uint64(class) + 1
	}
	return uint64(class%classSteps+classSteps+1) << (class/classSteps - 1)
}

// layout returns the geometry of the allocator of a segment of units units: the number of its
// classes, the offset of its state table and the unit of its first block.
func layout(units uint64) (classes int, table, first uint64) {
	classes = classOf(units) + 1
	table = headOff + 8*uint64(classes)
	return classes, table, unitsOf(table + 8*units)
}

// Footprint returns the number of bytes of a segment that a block of n bytes occupies, the size of
// its class. n is 1 to [shm.MaxSegment].
func Footprint(n uint64) uint64 { return classUnits(classOf(unitsOf(n))) * unitSize }

// SegmentSize returns the size of the smallest segment whose allocator can hand out blocks of all
// these sizes in bytes at the same time, in any order. It returns [shm.ErrSize] when a size is 0 or
// they do not fit in [shm.MaxSegment].
func SegmentSize(blocks ...uint64) (uint64, error) {
	var need uint64 // units
	for _, n := range blocks {
		if n == 0 || n > shm.MaxSegment || need > shm.MaxSegment/unitSize {
			return 0, fmt.Errorf("alloc: size segment for %d blocks: block of %d bytes: %w", len(blocks), n, shm.ErrSize)
		}
		need += Footprint(n) / unitSize
	}
	// The state table grows with the segment, so the size is a fixed point. The loop reaches it
	// from below: it is the least one.
	units := max(need, shm.MinSegment/unitSize)
	for {
		_, _, first := layout(units)
		if first+need <= units {
			break
		}
		units = first + need
	}
	if units > shm.MaxSegment/unitSize {
		return 0, fmt.Errorf("alloc: size segment for %d blocks of %d bytes: %w", len(blocks), need*unitSize, shm.ErrSize)
	}
	return units * unitSize, nil
}
