package shm_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"testing"

	"cutthrough/shm"
)

const eventBlock = 1000 // bytes that a sender allocates for each event

var nameEventBell = shm.NewName("test.event.bell")

// eventSender is a child that allocates a block, sends an event and frees the block, as
// often as it is told: "queue id count", with the segment, its bell and the consumer's.
var eventSender = child("event sender", func(h shm.Host, parent shm.Conn) error {
	buf := make([]byte, shm.MaxMessage)
	n, descs, err := parent.Recv(buf, h.Now()+liveness)
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
	own, err := h.OpenDoorbell(descs[1], nameEventBell)
	if err != nil {
		return err
	}
	consumer, err := h.OpenDoorbell(descs[2], nameEventBell)
	if err != nil {
		return err
	}
	a, err := shm.OpenAllocator(seg)
	if err != nil {
		return err
	}
	p, err := shm.OpenQueueProducer(seg, queue, id)
	if err != nil {
		return err
	}
	w := shm.QueueWriter{Queue: p, Peer: consumer, Bell: own, Now: h.Now}
	for i := range count {
		off, err := a.Alloc(eventBlock)
		if err != nil {
			return err
		}
		if err := w.Send(shm.Event{Kind: uint8(id + 1), Arg: uint32(i)}, h.Now()+liveness); err != nil {
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
	peers []shm.Doorbell
}

// start starts a sender. When it has gone, the hub rings the consumer, as a session
// layer would, because nobody else may be left to do it, and closes gone.
func (e *eventHub) start(id, count int) (p *process, gone chan struct{}) {
	e.t.Helper()
	p = start(e.t, e.h, eventSender)
	descs := []shm.Desc{e.seg.Desc(), e.peers[id].Desc(), e.bell.Desc()}
	check(e.t, p.conn.Send([]byte(fmt.Sprintln(e.queue, id, count)), descs, e.h.Now()+liveness))
	gone = make(chan struct{})
	go func() {
		defer close(gone)
		if _, _, err := p.conn.Recv(make([]byte, 16), e.h.Now()+liveness); !errors.Is(err, io.EOF) {
			e.t.Errorf("sender %d: %v", id, err)
		}
		check(e.t, e.bell.Ring())
	}()
	return p, gone
}

// newEventHub makes a segment with an allocator and an event queue.
func newEventHub(t *testing.T, h shm.Host) (*eventHub, *shm.Allocator) {
	t.Helper()
	seg, err := h.CreateSegment(segSize)
	if err != nil {
		t.Fatal(err)
	}
	check(t, shm.FormatAllocator(seg))
	a, err := shm.OpenAllocator(seg)
	if err != nil {
		t.Fatal(err)
	}
	queue, err := a.Alloc(shm.QueueBytes(4))
	if err != nil {
		t.Fatal(err)
	}
	check(t, shm.InitQueue(seg, queue, 4))
	var bells []shm.Doorbell
	for range 3 {
		bell, err := h.NewDoorbell(nameEventBell)
		if err != nil {
			t.Fatal(err)
		}
		bells = append(bells, bell)
	}
	return &eventHub{t, h, seg, queue, bells[2], bells[:2]}, a
}

// TestProcessesSendEvents kills senders, one after the other, while another one sends
// through the same queue and allocates from the same segment.
func TestProcessesSendEvents(t *testing.T) {
	const victims, count = 5, 3000
	leaks := checkLeaks(t)
	h := shm.OS()
	e, a := newEventHub(t, h)
	before, err := a.Stats()
	check(t, err)
	c, err := shm.OpenQueueConsumer(e.seg, e.queue)
	if err != nil {
		t.Fatal(err)
	}
	r := &shm.QueueReader{Queue: c, Peers: e.peers, Bell: e.bell, Now: h.Now}

	var next [2]uint32
	steady, steadyGone := e.start(1, count)
	for i := range victims {
		victim, gone := e.start(0, math.MaxInt32)
		for next[0] = 0; next[0] < uint32(100*i+50); {
			e.recv(r, &next)
		}
		victim.kill()
		<-gone
		check(t, victim.conn.Close())
		for e.poll(r, &next) {
		}
	}
	for next[1] < count {
		e.recv(r, &next)
	}
	<-steadyGone
	steady.wait()
	if e.poll(r, &next) {
		t.Error("one event too many")
	}

	after, err := a.Stats()
	check(t, err)
	if gone := after.Used - before.Used + after.Lost; gone > victims*shm.Footprint(eventBlock) {
		t.Errorf("%d bytes are gone after %d deaths: %+v", gone, victims, after)
	}
	for _, bell := range append(e.peers, e.bell) {
		check(t, bell.Close())
	}
	check(t, e.seg.Close())
	leaks()
}

// recv receives an event and checks that it is the next one of its sender.
func (e *eventHub) recv(r *shm.QueueReader, next *[2]uint32) {
	e.t.Helper()
	ev, err := r.Recv(e.h.Now() + liveness)
	if err != nil {
		e.t.Fatal(err)
	}
	e.accept(ev, next)
}

func (e *eventHub) poll(r *shm.QueueReader, next *[2]uint32) bool {
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

func (e *eventHub) accept(ev shm.Event, next *[2]uint32) {
	e.t.Helper()
	id := ev.Kind - 1
	if ev.Arg != next[id] {
		e.t.Fatalf("event %d of sender %d, want %d", ev.Arg, id, next[id])
	}
	next[id]++
}
