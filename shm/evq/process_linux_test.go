package evq_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"testing"

	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/alloc"
	"cutthrough/shm/evq"
	"cutthrough/shm/internal/shmtest"
	"cutthrough/shm/oshost"
)

func TestMain(m *testing.M) { shmtest.Main(m) }

const (
	segSize    = 1 << 16
	eventBlock = 1000 // bytes that a sender allocates for each event
)

var nameEventBell = shm.NewName("test.event.bell")

// eventSender is a child that allocates a block, sends an event and frees the block, as
// often as it is told: "queue id count", with the segment, its bell and the consumer's.
var eventSender = shmtest.Child("event sender", func(h shm.Host, parent shm.Conn) error {
	buf := make([]byte, shm.MaxMessage)
	n, descs, err := parent.Recv(buf, h.Now()+shmtest.Liveness)
	if err != nil {
		return err
	}
	var queue uint64
	var id, count int
	if _, err := fmt.Sscan(string(buf[:n]), &queue, &id, &count); err != nil {
		return err
	}
	seg, err := h.MapSegment(descs[0], segSize)
	if err != nil {
		return err
	}
	own, err1 := h.OpenWaiter(descs[1], nameEventBell)
	consumer, err2 := h.OpenRinger(descs[2], nameEventBell)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	a, err := alloc.Open(seg)
	if err != nil {
		return err
	}
	p, err := evq.OpenProducer(seg, queue, id)
	if err != nil {
		return err
	}
	w := evq.Writer{Queue: p, Peer: consumer, Bell: own, Now: h.Now}
	for i := range count {
		off, err := a.Alloc(eventBlock)
		if err != nil {
			return err
		}
		if err := w.Send(evq.Event{Kind: uint8(id + 1), Arg: uint32(i)}, h.Now()+shmtest.Liveness); err != nil {
			return err
		}
		if err := a.Free(off); err != nil {
			return err
		}
	}
	return nil
})

// eventHub is the consumer's side, in the test's process.
type eventHub struct {
	t     *testing.T
	h     shm.Host
	seg   *shm.Segment
	queue uint64
	bell  shm.Doorbell
	ends  []shm.Desc // for the senders: the waiting end of each, and the ringing end of bell
	peers []shm.RingCloser
}

// start starts a sender. When it has gone, the hub rings the consumer, as a session
// layer would, because no other process may be left to do it, and closes gone.
func (e *eventHub) start(id, count int) (p *shmtest.Process, gone chan struct{}) {
	e.t.Helper()
	p = shmtest.Start(e.t, e.h, eventSender)
	descs := []shm.Desc{e.seg.Desc(), e.ends[id], e.ends[2]}
	shmtest.Check(e.t, p.Conn.Send([]byte(fmt.Sprintln(e.queue, id, count)), descs, e.h.Now()+shmtest.Liveness))
	gone = make(chan struct{})
	go func() {
		defer close(gone)
		if _, _, err := p.Conn.Recv(make([]byte, 16), e.h.Now()+shmtest.Liveness); !errors.Is(err, io.EOF) {
			e.t.Errorf("sender %d: %v", id, err)
		}
		shmtest.Check(e.t, e.bell.Ring())
	}()
	return p, gone
}

// newEventHub makes a segment with an allocator and an event queue.
func newEventHub(t *testing.T, h shm.Host) (*eventHub, *alloc.Allocator) {
	t.Helper()
	seg, err := h.CreateSegment(segSize)
	if err != nil {
		t.Fatal(err)
	}
	shmtest.Check(t, alloc.Format(seg))
	a, err := alloc.Open(seg)
	if err != nil {
		t.Fatal(err)
	}
	queue, err := a.Alloc(evq.Size(4))
	if err != nil {
		t.Fatal(err)
	}
	shmtest.Check(t, evq.Init(seg, queue, 4))
	e := &eventHub{t: t, h: h, seg: seg, queue: queue}
	for range 2 {
		wait, ring, err := h.NewDoorbell()
		shmtest.Check(t, err)
		peer, err := h.OpenRinger(ring, nameEventBell)
		shmtest.Check(t, err)
		e.ends, e.peers = append(e.ends, wait), append(e.peers, peer)
	}
	wait, ring, err := h.NewDoorbell()
	shmtest.Check(t, err)
	e.bell, err = h.OpenWaiter(wait, nameEventBell)
	shmtest.Check(t, err)
	e.ends = append(e.ends, ring)
	return e, a
}

// TestProcessesSendEvents kills senders, one after the other, while another one sends
// through the same queue and allocates from the same segment.
func TestProcessesSendEvents(t *testing.T) {
	const victims, count = 5, 3000
	leaks := proctest.CheckLeaks(t)
	h := oshost.New()
	e, a := newEventHub(t, h)
	before, err := a.Stats()
	shmtest.Check(t, err)
	c, err := evq.OpenConsumer(e.seg, e.queue)
	if err != nil {
		t.Fatal(err)
	}
	r := &evq.Reader{Queue: c, Peers: []shm.Ringer{e.peers[0], e.peers[1]}, Bell: e.bell, Now: h.Now}

	var next [2]uint32
	steady, steadyGone := e.start(1, count)
	for i := range victims {
		victim, gone := e.start(0, math.MaxInt32)
		for next[0] = 0; next[0] < uint32(100*i+50); {
			e.recv(r, &next)
		}
		victim.Kill()
		<-gone
		shmtest.Check(t, victim.Conn.Close())
		for e.poll(r, &next) {
		}
	}
	for next[1] < count {
		e.recv(r, &next)
	}
	<-steadyGone
	steady.Wait()
	if e.poll(r, &next) {
		t.Error("one event too many")
	}

	after, err := a.Stats()
	shmtest.Check(t, err)
	if gone := after.Used - before.Used + after.Lost; gone > victims*alloc.Footprint(eventBlock) {
		t.Errorf("%d bytes are gone after %d deaths: %+v", gone, victims, after)
	}
	for _, peer := range e.peers {
		shmtest.Check(t, peer.Close())
	}
	shmtest.Check(t, errors.Join(e.bell.Close(), shmtest.CloseDescs(e.ends)))
	shmtest.Check(t, e.seg.Close())
	leaks()
}

// recv receives an event and checks that it is the next one of its sender.
func (e *eventHub) recv(r *evq.Reader, next *[2]uint32) {
	e.t.Helper()
	ev, err := r.Recv(e.h.Now() + shmtest.Liveness)
	if err != nil {
		e.t.Fatal(err)
	}
	e.accept(ev, next)
}

func (e *eventHub) poll(r *evq.Reader, next *[2]uint32) bool {
	e.t.Helper()
	ev, ok, err := r.TryRecv()
	if err != nil {
		e.t.Fatal(err)
	}
	if ok {
		e.accept(ev, next)
	}
	return ok
}

func (e *eventHub) accept(ev evq.Event, next *[2]uint32) {
	e.t.Helper()
	id := ev.Kind - 1
	if ev.Arg != next[id] {
		e.t.Fatalf("event %d of sender %d, want %d", ev.Arg, id, next[id])
	}
	next[id]++
}
