package oshost_test

import (
	"errors"
	"testing"

	"cutthrough/shm"
	"cutthrough/shm/internal/shmtest"
	"cutthrough/shm/oshost"
)

// player takes turns with another at counting a shared word up: each waits for its
// value, stores the next, and rings.
type player struct {
	word         shm.Uint32
	mine, theirs shm.Doorbell
	spin         bool
}

const gameOver = 1 << 31

// turn waits for v and stores v+1; false when the game is over.
func (p *player) turn(v uint32) (bool, error) {
	var seen uint32
	come := func() bool {
		seen = p.word.Load()
		return seen == v || seen == gameOver
	}
	ready := come
	if !p.spin {
		ready = nil
	}
	for !come() {
		if err := p.mine.Wait(ready, shm.Forever); err != nil {
			return false, err
		}
	}
	if seen == gameOver {
		return false, nil
	}
	p.word.Store(v + 1)
	return true, p.theirs.Ring()
}

var returner = shmtest.Child("returner", func(h shm.Host, parent shm.Conn) error {
	mode := make([]byte, 16)
	n, descs, err := parent.Recv(mode, h.Now()+shmtest.Liveness)
	if err != nil {
		return err
	}
	s, err0 := h.MapSegment(descs[0], shm.MinSegment)
	theirs, err1 := h.OpenDoorbell(descs[1], bellName)
	mine, err2 := h.OpenDoorbell(descs[2], bellName)
	if err := errors.Join(err0, err1, err2); err != nil {
		return err
	}
	go func() {
		_, _, err = parent.Recv(mode, shm.Forever) // until the parent dies
		mine.Close()
	}()
	p := player{s.Uint32(shm.SegmentHeader, wordName), mine, theirs, string(mode[:n]) == "spin"}
	more := true
	for v := uint32(1); more && err == nil; v += 2 {
		more, err = p.turn(v)
	}
	return err
})

// BenchmarkDoorbellRoundTrip measures a store, a ring and a wait each way between
// two processes.
func BenchmarkDoorbellRoundTrip(b *testing.B) {
	for _, mode := range []string{"spin", "sleep"} {
		b.Run(mode, func(b *testing.B) {
			h := oshost.New()
			s, err0 := h.CreateSegment(shm.MinSegment)
			mine, err1 := h.NewDoorbell(bellName)
			theirs, err2 := h.NewDoorbell(bellName)
			if err := errors.Join(err0, err1, err2); err != nil {
				b.Fatal(err)
			}
			c := shmtest.Start(b, h, returner)
			descs := []shm.Desc{s.Desc(), mine.Desc(), theirs.Desc()}
			shmtest.Check(b, c.Conn.Send([]byte(mode), descs, h.Now()+shmtest.Liveness))
			p := player{s.Uint32(shm.SegmentHeader, wordName), mine, theirs, mode == "spin"}
			for v := uint32(0); b.Loop(); v += 2 {
				if more, err := p.turn(v); !more || err != nil {
					b.Fatal(more, err)
				}
			}
			b.StopTimer()
			p.word.Store(gameOver)
			shmtest.Check(b, theirs.Ring())
			c.Wait()
			shmtest.Check(b, errors.Join(s.Close(), mine.Close(), theirs.Close()))
		})
	}
}
