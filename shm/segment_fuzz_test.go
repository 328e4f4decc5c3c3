package shm

import (
	"encoding/binary"
	"errors"
	"testing"
)

// FuzzSegmentHeader attaches to memory with any header. A segment that is attached is as large as its memory, whatever
// the header says, and its words are inside; any other header is refused by name.
func FuzzSegmentHeader(f *testing.F) {
	good := HeapBytes(MinSegment)
	if _, err := FormatSegment(good, 7, nil, nil, nil); err != nil {
		f.Fatal(err)
	}
	f.Add(good[:SegmentHeader], uint16(MinSegment/8))
	f.Add(good[:SegmentHeader], uint16(MinSegment/8+1))
	f.Add(good[:20], uint16(0))
	f.Add([]byte{}, uint16(MinSegment/8))
	f.Fuzz(func(t *testing.T, header []byte, words uint16) {
		mem := HeapBytes(8 * uint64(words))
		copy(mem, header[:min(len(header), SegmentHeader)])
		s, err := AttachSegment(mem, nil, nil, nil)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) && !errors.Is(err, ErrSize) {
				t.Fatalf("undocumented: %v", err)
			}
			return
		}
		if s.Size() != uint64(len(mem)) || s.Generation() == 0 || s.Generation() != binary.LittleEndian.Uint64(mem[24:]) {
			t.Errorf("attached %d bytes, generation %d, to %d bytes with the header %x", s.Size(), s.Generation(), len(mem), mem[:SegmentHeader])
		}
		if s.Contains(uint64(len(mem))-8, 16, 8) || !s.Contains(uint64(len(mem))-8, 8, 8) {
			t.Error("the segment does not end with its memory")
		}
	})
}
