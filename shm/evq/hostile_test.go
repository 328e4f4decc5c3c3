package evq

import (
	"encoding/binary"
	"errors"
	"testing"

	"cutthrough/shm"
	"cutthrough/shm/access"
	"cutthrough/shm/internal/shmtest"
)

// queueHost uses a queue whose memory a hostile peer changes, and checks what must hold
// whatever it writes.
type queueHost struct {
	tb      testing.TB
	y       *shmtest.Hook
	w       Writer
	r       Reader
	opening bool // the geometry may say that the queue is larger than it was
}

// newQueueHost calls poke before each access.
func newQueueHost(tb testing.TB, seg *shm.Segment, slots uint32, poke func()) *queueHost {
	view, y := shmtest.Hooked(tb, seg)
	bell := &countBell{}
	h := &queueHost{tb: tb, y: y}
	h.w = Writer{Queue: openProducer(tb, view, 5), Peer: bell, Bell: bell, Now: noTime}
	h.r = Reader{Queue: openConsumer(tb, view), Peers: []shm.Ringer{nil, bell}, Bell: bell, Now: noTime}
	y.OnAccess = func(n int, off uint64, name shm.Name, op access.Op) {
		if n > 5*maxRetries {
			tb.Fatalf("%d accesses: it hangs", n)
		}
		if off < testQueueOff || off >= testQueueOff+Size(slots) && !h.opening {
			tb.Fatalf("%s %s at %#x, outside the queue", name, op, off)
		}
		poke()
	}
	return h
}

// do performs one of eight operations and returns its error.
func (h *queueHost) do(op, arg byte) error {
	h.y.Count = 0
	var ev Event
	var ok bool
	var err error
	switch op % 8 {
	case 0:
		err = h.w.TrySend(Event{arg | 1, uint32(arg)})
	case 1:
		err = h.w.Send(Event{arg | 1, uint32(arg)}, 0)
	case 2:
		_, err = h.w.Queue.ArmSpace(h.w.Peer)
	case 3:
		ev, ok, err = h.r.TryRecv()
	case 4:
		ev, err = h.r.Recv(0)
		ok = err == nil
	case 5:
		h.r.Queue.ArmNonEmpty()
	case 6:
		h.r.Queue.Disarm()
	default:
		h.opening = true
		var c *Consumer
		if c, err = OpenConsumer(h.r.Queue.seg, testQueueOff); err == nil && c.mask == h.r.Queue.mask {
			h.r.Queue, h.r.ready = c, nil
		}
		h.opening = false
	}
	if err != nil && err != ErrFull && err != shm.ErrDeadline && !errors.Is(err, shm.ErrCorrupt) {
		h.tb.Fatalf("operation %d: %v", op%8, err)
	}
	if ok && ev.Kind == 0 || !ok && ev != (Event{}) {
		h.tb.Fatalf("event %v, %v", ev, ok)
	}
	return err
}

// TestQueueCorrupt changes one word of a queue of four slots at position 5 that
// holds two events, and pins what notices: the next Post, ArmSpace (which sends
// the caller to Post), Poll, or the opening of the queue.
func TestQueueCorrupt(t *testing.T) {
	event := func(lap uint64) uint64 { return uint64(eventSlot(lap, Event{1, 1})) }
	empty := func(lap uint64) uint64 { return uint64(emptySlot(lap)) }
	slot := func(at uint64) uint64 { return testQueueOff + slotOff + at%4*8 }
	const geom, tail = testQueueOff, testQueueOff + tailOff
	for name, tc := range map[string]struct {
		off, value       uint64
		post, poll, open error
	}{
		"nothing":                          {tail, 7, nil, nil, nil},
		"tail behind":                      {tail, 5, nil, nil, nil},
		"tail far behind":                  {tail, 0, nil, nil, nil},
		"tail ahead, room":                 {tail, 8, nil, nil, nil},
		"tail ahead, no room":              {tail, 9, ErrFull, nil, nil},
		"tail a lap ahead":                 {tail, 11, shm.ErrCorrupt, nil, nil},
		"tail far ahead":                   {tail, 7 + 4<<20, shm.ErrCorrupt, nil, nil},
		"tail ahead by all laps":           {tail, 7 + 4<<24, nil, nil, nil},
		"tail anywhere":                    {tail, 0x123456789abcdef0, shm.ErrCorrupt, nil, nil},
		"next slot of no kind":             {slot(7), empty(1) + 1, nil, nil, nil},
		"next slot a lap behind":           {slot(7), empty(0), shm.ErrCorrupt, nil, shm.ErrCorrupt},
		"next slot laps behind":            {slot(7), event(1<<24 - 2), shm.ErrCorrupt, nil, shm.ErrCorrupt},
		"next slot laps ahead":             {slot(7), event(3), nil, nil, shm.ErrCorrupt},
		"event of no kind":                 {slot(5), empty(1) + 1, nil, shm.ErrCorrupt, nil},
		"event of the lap before":          {slot(5), event(0), nil, shm.ErrCorrupt, shm.ErrCorrupt},
		"event of the lap after":           {slot(5), event(2), nil, shm.ErrCorrupt, nil},
		"event drained by another process": {slot(5), empty(2), nil, shm.ErrCorrupt, nil},
		"gap in the drained slots":         {slot(4), event(1), nil, nil, nil},
		"drained behind events":            {slot(6), event(2), nil, nil, shm.ErrCorrupt},
		"geometry zero":                    {geom, 0, nil, nil, shm.ErrCorrupt},
		"no slots":                         {geom, magic << 32, nil, nil, shm.ErrCorrupt},
		"three slots":                      {geom, magic<<32 | 3, nil, nil, shm.ErrCorrupt},
		"other magic":                      {geom, (magic+1)<<32 | 4, nil, nil, shm.ErrCorrupt},
		"more slots than fit":              {geom, magic<<32 | 512, nil, nil, shm.ErrCorrupt},
		"most slots that do not":           {geom, magic<<32 | MaxSlots, nil, nil, shm.ErrCorrupt},
		"slots without end":                {geom, magic<<32 | 1<<31, nil, nil, shm.ErrCorrupt},
	} {
		seg := queueAt(t, 4, 5)
		post(t, openProducer(t, seg, 0), 1, 2)
		h := newQueueHost(t, seg, 4, func() {})
		binary.LittleEndian.PutUint64(shmtest.Bytes(seg)[tc.off:], tc.value)
		_, openErr := OpenConsumer(seg, testQueueOff)
		ready, _ := h.w.Queue.ArmSpace(h.w.Peer)
		postErr := h.w.Queue.Post(Event{1, 3})
		_, _, pollErr := h.r.Queue.Poll()
		if !errors.Is(postErr, tc.post) || !errors.Is(pollErr, tc.poll) || !errors.Is(openErr, tc.open) {
			t.Errorf("%s: Post %v, Poll %v, open %v; want %v, %v, %v", name, postErr, pollErr, openErr, tc.post, tc.poll, tc.open)
		}
		if ready != (tc.post != ErrFull) {
			t.Errorf("%s: ArmSpace = %v, Post = %v", name, ready, postErr)
		}
	}
}

// TestQueueNeverSettles has a peer that changes the one word an operation depends on
// before each access: the operation gives up.
func TestQueueNeverSettles(t *testing.T) {
	seg := queueAt(t, 4, 0)
	p := openProducer(t, seg, 0)
	post(t, p, 1)
	h := newQueueHost(t, seg, 4, func() { p.tail.Store(0) })
	if err := h.do(0, 1); !errors.Is(err, shm.ErrCorrupt) {
		t.Errorf("Post = %v", err)
	}
	h = newQueueHost(t, seg, 4, func() { p.want.Store(p.want.Load() ^ 1) })
	if err := h.do(2, 0); !errors.Is(err, shm.ErrCorrupt) {
		t.Errorf("ArmSpace = %v", err)
	}
}

// TestQueueHostileWords puts each hostile value in each word of a queue, one at a time,
// and once changes the word before every access.
func TestQueueHostileWords(t *testing.T) {
	var corrupt, fine int
	for _, flicker := range []bool{false, true} {
		for off := uint64(testQueueOff); off < testQueueOff+Size(4); off += 8 {
			for how := 0; how < 256; how += 5 { // all kinds, four or five of each
				seg, _ := prepare(t, queueStates[how%len(queueStates)])
				word := shmtest.Bytes(seg)[off : off+8]
				poke := func() {
					binary.LittleEndian.PutUint64(word, shmtest.HostileWord(binary.LittleEndian.Uint64(word), byte(how)))
				}
				h := newQueueHost(t, seg, 4, func() {
					if flicker {
						poke()
					}
				})
				poke()
				noticed := false
				for _, op := range []byte{3, 0, 0, 2, 5, 4, 3, 7, 3, 3, 0, 1} {
					noticed = errors.Is(h.do(op, 7), shm.ErrCorrupt) || noticed
				}
				if noticed {
					corrupt++
				} else {
					fine++
				}
			}
		}
	}
	if corrupt == 0 || fine == 0 {
		t.Errorf("%d runs noticed, %d did not: the values are not well chosen", corrupt, fine)
	}
}

// FuzzQueuePeer reads data as operations of a producer and a consumer and writes of a
// hostile peer before any access of theirs.
func FuzzQueuePeer(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0, 2, 3, 0, 4, 0, 5, 0})
	f.Add([]byte{2, 0, 1, 0, 2, 0x80, 0, 8, 3, 0, 0x80, 16, 9, 3, 0, 0x80, 16, 1, 7, 0})
	f.Add([]byte{1, 0, 1, 0x81, 8, 2, 0, 2, 0x81, 8, 3, 1, 3, 2, 1, 4, 1, 4, 1})
	f.Add([]byte{0, 0x80, 1, 1, 5, 0, 0x80, 0, 1, 7, 0, 2, 0, 3, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		data = data[:min(len(data), 1<<10)]
		next := func() byte {
			if len(data) == 0 {
				return 0
			}
			b := data[0]
			data = data[1:]
			return b
		}
		slots := uint32(1) << (next() % 4)
		seg := queueAt(t, slots, uint64(slots)<<24-2)
		words := Size(slots) / 8
		poke := func() {
			for len(data) > 2 && data[0] >= 0x80 {
				next()
				word := shmtest.Bytes(seg)[testQueueOff+uint64(next())%words*8:]
				binary.LittleEndian.PutUint64(word, shmtest.HostileWord(binary.LittleEndian.Uint64(word), next()))
			}
		}
		h := newQueueHost(t, seg, slots, poke)
		for len(data) > 0 {
			poke()
			_ = h.do(next(), next())
		}
	})
}
