package alloc_test

import (
	"errors"
	"fmt"
	"log"

	"cutthrough/shm"
	"cutthrough/shm/alloc"
)

// A segment is sized for its blocks. The offset of a block means the same in every process.
func Example() {
	size, err := alloc.SegmentSize(100_000, 1000)
	if err != nil {
		log.Fatal(err)
	}
	seg, err := shm.NewHeapSegment(size)
	if err != nil {
		log.Fatal(err)
	}
	if err := alloc.Format(seg); err != nil {
		log.Fatal(err)
	}
	a, err := alloc.Open(seg) // another process would open its own mapping
	if err != nil {
		log.Fatal(err)
	}

	large, err := a.Alloc(100_000)
	if err != nil {
		log.Fatal(err)
	}
	small, err := a.Alloc(1000)
	if err != nil {
		log.Fatal(err)
	}
	_, err = a.Alloc(1000)
	fmt.Println("full:", errors.Is(err, alloc.ErrExhausted))

	fmt.Println("free:", a.Free(large), a.Free(small))
	fmt.Println("again:", errors.Is(a.Free(small), alloc.ErrNotAllocated))

	stats, err := a.Stats()
	fmt.Println("used:", stats.Used, "lost:", stats.Lost, err)
	// Output:
	// full: true
	// free: <nil> <nil>
	// again: true
	// used: 0 lost: 0 <nil>
}
