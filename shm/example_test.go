package shm_test

import (
	"fmt"
	"log"

	"cutthrough/shm"
)

// A protocol of two words: the writer stores the payload and then the flag, and the reader loads
// the flag and then the payload.
func Example() {
	var (
		nameFlag    = shm.NewName("example.flag")
		namePayload = shm.NewName("example.payload")
	)
	const flagAt, payloadAt, payloadLen = shm.SegmentHeader, 128, 5

	seg, err := shm.NewHeapSegment(shm.MinSegment) // another process would map a segment of a Host
	if err != nil {
		log.Fatal(err)
	}

	seg.Range(payloadAt, payloadLen, namePayload).CopyIn(0, []byte("hello"))
	seg.Uint32(flagAt, nameFlag).Store(1)

	if seg.Uint32(flagAt, nameFlag).Load() == 1 {
		got := make([]byte, payloadLen)
		seg.Range(payloadAt, payloadLen, namePayload).CopyOut(got, 0)
		fmt.Printf("%s\n", got)
	}

	// An offset from a peer is input: check it before it becomes a handle.
	fmt.Println(seg.Contains(1<<50, 8, 8))
	// Output:
	// hello
	// false
}
