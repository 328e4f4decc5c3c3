package oshost_test

import (
	"slices"
	"testing"

	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/internal/shmtest"
	"cutthrough/shm/oshost"
)

func TestMain(m *testing.M) { shmtest.Main(m) }

// mirror is a child that maps the segment it is sent, adds one to each of its words,
// and says so.
var mirror = shmtest.Child("mirror", func(h shm.Host, parent shm.Conn) error {
	for {
		buf := make([]byte, shm.MaxMessage)
		n, descs, err := parent.Recv(buf, h.Now()+shmtest.Liveness)
		if err != nil {
			return err
		}
		if string(buf[:n]) == "end" {
			return nil
		}
		s, err := h.MapSegment(descs[0], segSize)
		if err != nil {
			return err
		}
		for off := uint64(shm.SegmentHeader); off < segSize; off += 8 {
			s.Uint64(off, wordName).Add(1)
		}
		if err := s.Close(); err != nil {
			return err
		}
		if err := parent.Send([]byte("done"), nil, h.Now()+shmtest.Liveness); err != nil {
			return err
		}
	}
})

const segSize = 1 << 16

var wordName = shm.NewName("test.word")

func TestProcessesShareSegments(t *testing.T) {
	leaks := proctest.CheckLeaks(t)
	h := oshost.New()
	p := shmtest.Start(t, h, mirror)
	for round := range uint64(20) {
		s, err := h.CreateSegment(segSize)
		if err != nil {
			t.Fatal(err)
		}
		for off := uint64(shm.SegmentHeader); off < segSize; off += 8 {
			s.Uint64(off, wordName).Store(off * round)
		}
		shmtest.Check(t, p.Conn.Send([]byte("segment"), []shm.Desc{s.Desc()}, h.Now()+shmtest.Liveness))
		if _, _, err := p.Conn.Recv(make([]byte, 16), h.Now()+shmtest.Liveness); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		var wrong []uint64
		for off := uint64(shm.SegmentHeader); off < segSize; off += 8 {
			if s.Uint64(off, wordName).Load() != off*round+1 {
				wrong = append(wrong, off)
			}
		}
		if len(wrong) > 0 {
			t.Errorf("round %d: %d words are wrong, first at %d", round, len(wrong), slices.Min(wrong))
		}
		shmtest.Check(t, s.Close())
	}
	shmtest.Check(t, p.Conn.Send([]byte("end"), nil, h.Now()+shmtest.Liveness))
	self := h.Self()
	want := shm.Peer{UID: self.UID, GID: self.GID, PID: p.PID()}
	if peer, err := p.Conn.Peer(); err != nil || peer != want {
		t.Errorf("peer %+v, %v; want %+v", peer, err, want)
	}
	p.Wait()
	leaks()
}
