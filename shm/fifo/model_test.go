package fifo

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// fifoMachine drives one fifo with random operations and compares it with a
// queue of bytes. It knows when bytes and space must be visible to the other side, and
// allows that they are visible earlier.
type fifoMachine struct {
	fixture
	capacity int
	staged   []byte // enqueued, perhaps not visible
	visible  []byte // published, not dequeued
	held     int    // dequeued, perhaps not released
	next     byte
}

func (m *fifoMachine) fresh(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = m.next
		m.next++
	}
	return b
}

func (m *fifoMachine) publish() {
	m.p.Publish()
	m.visible = append(m.visible, m.staged...)
	m.staged = nil
}

// checkRead says whether n bytes of len(b) asked for, read at off, are right.
func (m *fifoMachine) checkRead(t *rapid.T, off int, asked, n int, b []byte) {
	all := append(bytes.Clone(m.visible), m.staged...)
	if sure := max(0, min(asked, len(m.visible)-off)); n < sure || n > max(0, min(asked, len(all)-off)) {
		t.Fatalf("got %d bytes at %d of %d asked for; %d are published, %d enqueued", n, off, asked, len(m.visible), len(all))
	}
	if n > 0 && !bytes.Equal(b, all[off:off+n]) {
		t.Fatalf("got %v at %d, want %v", b, off, all[off:off+n])
	}
}

func (m *fifoMachine) dequeued(n int) {
	m.held += n
	if more := n - len(m.visible); more > 0 { // the fifo published by itself
		m.visible, m.staged = nil, m.staged[more:]
		return
	}
	m.visible = m.visible[n:]
}

// checkSpace says whether room for n of asked bytes is right.
func (m *fifoMachine) checkSpace(t *rapid.T, asked, n int) {
	inside := len(m.visible) + len(m.staged)
	least, most := min(asked, m.capacity-inside-m.held), min(asked, m.capacity-inside)
	if n < least || n > most {
		t.Fatalf("room for %d of %d bytes; capacity %d, %d inside, %d held", n, asked, m.capacity, inside, m.held)
	}
}

func fifoActions(m *fifoMachine) map[string]func(*rapid.T) {
	size := rapid.IntRange(0, m.capacity+3)
	return map[string]func(*rapid.T){
		"enqueue": func(t *rapid.T) {
			b := m.fresh(size.Draw(t, "n"))
			n, err := m.p.Enqueue(b)
			must(t, err)
			m.checkSpace(t, len(b), n)
			m.staged = append(m.staged, b[:n]...)
			m.next -= byte(len(b) - n)
		},
		"reserve": func(t *rapid.T) {
			asked := size.Draw(t, "n")
			x, y, err := m.p.Reserve(uint64(asked))
			must(t, err)
			m.checkSpace(t, asked, len(x)+len(y))
			b := m.fresh(rapid.IntRange(0, len(x)+len(y)).Draw(t, "commit"))
			copy(y, b[copy(x, b):])
			m.p.Commit(uint64(len(b)))
			m.staged = append(m.staged, b...)
		},
		"publish": func(t *rapid.T) { m.publish() },
		"free": func(t *rapid.T) {
			m.publish()
			n, err := m.p.Free()
			must(t, err)
			m.checkSpace(t, m.capacity, int(n))
		},
		"dequeue": func(t *rapid.T) {
			b := make([]byte, size.Draw(t, "n"))
			n, err := m.c.Dequeue(b)
			must(t, err)
			m.checkRead(t, 0, len(b), n, b[:n])
			m.dequeued(n)
		},
		"peek": func(t *rapid.T) {
			off, b := size.Draw(t, "off"), make([]byte, size.Draw(t, "n"))
			n, err := m.c.Peek(uint64(off), b)
			must(t, err)
			m.checkRead(t, off, len(b), n, b[:n])
		},
		"pieces": func(t *rapid.T) {
			limit := size.Draw(t, "limit")
			x, y, err := m.c.ReadPieces(uint64(limit))
			must(t, err)
			all := append(bytes.Clone(x), y...)
			m.checkRead(t, 0, limit, len(all), all)
			drop := rapid.IntRange(0, len(all)).Draw(t, "drop")
			if n, err := m.c.Drop(uint64(drop)); n != uint64(drop) || err != nil {
				t.Fatalf("Drop(%d) = %d, %v", drop, n, err)
			}
			m.dequeued(drop)
		},
		"drop": func(t *rapid.T) {
			asked := size.Draw(t, "n")
			n, err := m.c.Drop(uint64(asked))
			must(t, err)
			m.checkRead(t, 0, asked, int(n), append(bytes.Clone(m.visible), m.staged...)[:n])
			m.dequeued(int(n))
		},
		"release": func(t *rapid.T) {
			m.c.Release()
			m.held = 0
		},
		"": func(t *rapid.T) {
			if p := m.p; p.tail-p.head > p.cap || p.pos >= p.cap || p.tail-p.published >= p.batch {
				t.Fatalf("producer %+v", *p)
			}
			if c := m.c; c.tail-c.head > c.cap || c.pos >= c.cap || c.head-c.released >= c.batch {
				t.Fatalf("consumer %+v", *c)
			}
		},
	}
}

func TestFifoModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		capacity := rapid.IntRange(1, 70).Draw(t, "capacity")
		start := rapid.SampledFrom(starts).Draw(t, "start") - rapid.Uint64Range(0, 200).Draw(t, "before")
		m := &fifoMachine{capacity: capacity, fixture: newFixture(t, nil, uint64(capacity), start)}
		t.Repeat(fifoActions(m))
		m.publish()
		rest := make([]byte, capacity)
		if n, err := m.c.Dequeue(rest); !bytes.Equal(rest[:n], m.visible) || err != nil {
			t.Fatalf("at the end: %v, %v, want %v", rest[:n], err, m.visible)
		}
		m.c.Release()
		if n, err := m.p.Free(); n != uint64(capacity) || err != nil {
			t.Fatalf("at the end: free %d, %v, want %d", n, err, capacity)
		}
	})
}
