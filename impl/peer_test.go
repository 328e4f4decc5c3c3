package impl

import (
	"errors"
	"sync"
	"testing"

	"cutthrough/shm"
	"cutthrough/shm/access"
	"cutthrough/shm/evq"
)

// testPeer is a peer whose event queue is here, with one session of index 7.
type testPeer struct {
	*peer
	session  *Session
	memory   *shm.Segment // as the other application has it
	producer *evq.Producer
	onAccess func() // called at each access of this application, unless nil
}

const (
	testSlots = 4
	testQueue = 64 // where the queue is
)

func newTestPeer(t *testing.T) *testPeer {
	t.Helper()
	mem := shm.HeapBytes(shm.MinSegment)
	x := &testPeer{peer: &peer{mu: &sync.Mutex{}, sessions: map[uint32]*Session{}}}
	x.session = &Session{mu: &sync.Mutex{}, peer: x.peer}
	x.sessions[7] = x.session
	var err error
	x.memory, err = shm.FormatSegment(mem, 1, nil, nil, nil)
	check(t, err)
	check(t, evq.Init(x.memory, testQueue, testSlots))
	x.producer, err = evq.OpenProducer(x.memory, testQueue, 0)
	check(t, err)
	mine, err := shm.AttachSegment(mem, x, nil, nil)
	check(t, err)
	x.queue, err = evq.OpenConsumer(mine, testQueue)
	check(t, err)
	return x
}

// Before implements [shm.AccessHook].
func (x *testPeer) Before(*shm.Segment, uint64, uint64, shm.Name, access.Op) {
	if x.onAccess != nil {
		x.onAccess()
	}
}

// After implements [shm.AccessHook].
func (x *testPeer) After(uint64, bool) {}

// TestFlood: a peer that posts faster than events are taken keeps no call from its deadline: at most as many events are
// taken at a time as the queue has slots.
func TestFlood(t *testing.T) {
	x := newTestPeer(t)
	posted := 0
	x.onAccess = func() {
		if posted < 100*testSlots && x.producer.Post(evq.Event{Kind: evData, Arg: 7}) == nil {
			posted++
		}
	}
	x.takeLocked()
	x.onAccess = nil
	left := 0
	for _, ok, err := x.queue.Poll(); ok; _, ok, err = x.queue.Poll() {
		check(t, err)
		left++
	}
	if taken := posted - left; taken != testSlots {
		t.Errorf("%d events of %d were taken, want %d", taken, posted, testSlots)
	}
}

// TestSpoiledQueue: a queue that the peer has spoiled ends the sessions with that peer.
func TestSpoiledQueue(t *testing.T) {
	x := newTestPeer(t)
	check(t, x.producer.Post(evq.Event{Kind: evData, Arg: 7}))
	slot := x.memory.Uint64(testQueue+evq.Size(testSlots)-8*testSlots, nameRequest)
	slot.Store(slot.Load() | 0xffffff<<40) // a lap that no history explains
	x.takeLocked()
	if err := x.session.err; !errors.Is(err, shm.ErrCorrupt) {
		t.Errorf("the session has %v, want %v", err, shm.ErrCorrupt)
	}
	if x.armLocked() {
		t.Error("a queue that is spoiled has news for ever")
	}
}
