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
	word   shm.Uint32
	mine   shm.Waiter
	theirs shm.Ringer
	spin   bool
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
	bells, err1 := shmtest.OpenBells(h, descs[1:])
	if err := errors.Join(err0, err1); err != nil {
		return err
	}
	go func() {
		_, _, err = parent.Recv(mode, shm.Forever) // until the parent dies
		bells.Own.Close()
	}()
	p := player{s.Uint32(shm.SegmentHeader, wordName), bells.Own, bells.Peer, string(mode[:n]) == "spin"}
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
			bells, theirs, err1 := shmtest.NewBells(h)
			if err := errors.Join(err0, err1); err != nil {
				b.Fatal(err)
			}
			c := shmtest.Start(b, h, returner)
			shmtest.Check(b, c.Conn.Send([]byte(mode), append([]shm.Desc{s.Desc()}, theirs...), h.Now()+shmtest.Liveness))
			shmtest.Check(b, shmtest.CloseDescs(theirs))
			p := player{s.Uint32(shm.SegmentHeader, wordName), bells.Own, bells.Peer, mode == "spin"}
			for v := uint32(0); b.Loop(); v += 2 {
				if more, err := p.turn(v); !more || err != nil {
					b.Fatal(more, err)
				}
			}
			b.StopTimer()
			p.word.Store(gameOver)
			shmtest.Check(b, bells.Peer.Ring())
			c.Wait()
			shmtest.Check(b, errors.Join(s.Close(), bells.Close()))
		})
	}
}
