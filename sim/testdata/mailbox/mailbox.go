// Package mailbox is a mailbox for one letter in shared memory: the writer waits while it is full, the reader while it
// is empty, and each wakes the other. It stands for a protocol of yours, in a module of its own.
package mailbox

import (
	"encoding/binary"

	"cutthrough/shm"
)

// Words of the mailbox, by their offsets in the segment. A name says in diagrams and traces what is accessed.
const (
	offFull         = 64  // uint32: 1 while there is a letter
	offReaderAsleep = 68  // uint32: 1 when the reader wants to be rung
	offWriterAsleep = 72  // uint32: 1 when the writer wants to be rung
	offLetter       = 128 // 8 bytes: the letter
)

var (
	nameFull         = shm.NewName("mailbox.full")
	nameReaderAsleep = shm.NewName("mailbox.reader_asleep")
	nameWriterAsleep = shm.NewName("mailbox.writer_asleep")
	nameLetter       = shm.NewName("mailbox.letter")
)

// Side is the mailbox as one of its two processes has it.
type Side struct {
	full        shm.Uint32
	asleep      shm.Uint32 // of this side
	otherAsleep shm.Uint32
	letter      shm.Range
	bell        shm.Waiter
	others      shm.Ringer
}

// Reader returns the reading side of the mailbox in seg. The reader waits at bell and rings others.
func Reader(seg *shm.Segment, bell shm.Waiter, others shm.Ringer) *Side {
	return side(seg, seg.Uint32(offReaderAsleep, nameReaderAsleep), seg.Uint32(offWriterAsleep, nameWriterAsleep), bell, others)
}

// Writer returns the writing side of the mailbox in seg. The writer waits at bell and rings others.
func Writer(seg *shm.Segment, bell shm.Waiter, others shm.Ringer) *Side {
	return side(seg, seg.Uint32(offWriterAsleep, nameWriterAsleep), seg.Uint32(offReaderAsleep, nameReaderAsleep), bell, others)
}

func side(seg *shm.Segment, asleep, otherAsleep shm.Uint32, bell shm.Waiter, others shm.Ringer) *Side {
	return &Side{
		full: seg.Uint32(offFull, nameFull), asleep: asleep, otherAsleep: otherAsleep,
		letter: seg.Range(offLetter, 8, nameLetter), bell: bell, others: others,
	}
}

// Put waits until the mailbox is empty and puts a letter into it. Only the writer calls it.
func (s *Side) Put(letter uint64) error {
	if err := s.wait(0); err != nil {
		return err
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], letter)
	s.letter.CopyIn(0, b[:])
	return s.hand(1)
}

// Get waits until there is a letter and takes it. Only the reader calls it.
func (s *Side) Get() (uint64, error) {
	if err := s.wait(1); err != nil {
		return 0, err
	}
	var b [8]byte
	s.letter.CopyOut(b[:], 0)
	return binary.LittleEndian.Uint64(b[:]), s.hand(0)
}

// wait returns when full has a value.
func (s *Side) wait(full uint32) error {
	ready := func() bool { return s.full.Load() == full }
	for !ready() {
		s.asleep.Store(1)
		if ready() { // it may have come to be so before the other side could see that we want to be rung
			return nil
		}
		if err := s.bell.Wait(ready, shm.Forever); err != nil {
			return err
		}
	}
	return nil
}

// hand gives the mailbox to the other side and wakes it.
func (s *Side) hand(full uint32) error {
	s.full.Store(full)
	if s.otherAsleep.Swap(0) == 0 {
		return nil
	}
	return s.others.Ring()
}
