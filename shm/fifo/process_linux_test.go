package fifo_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/fifo"
	"cutthrough/shm/internal/shmtest"
	"cutthrough/shm/oshost"
)

func TestMain(m *testing.M) { shmtest.Main(m) }

// Two processes that stream to each other at once, over two fifos in one segment,
// with four doorbells: one for each end of each fifo.

const (
	streamCap   = 1<<18 - 7        // bytes; not a power of two
	streamStart = ^uint64(1 << 24) // so that the counters wrap on the way
	streamSize  = 1 << 20
	endless     = 1 << 60 // bytes, more than a test sees
)

// pattern is what is streamed, over and over; its length is prime, so that bytes in
// a wrong place are wrong bytes.
var pattern = sync.OnceValue(func() []byte {
	b := make([]byte, 1048573)
	rand.NewChaCha8([32]byte{3}).Read(b)
	return b
})

// link is one end of the pair of fifos. End 0 made the segment and the doorbells.
type link struct {
	seg   *shm.Segment
	bells [2]shmtest.Bells // of the fifo that end 0 writes, and of the other
	w     fifo.Writer
	r     fifo.Reader
}

func (l *link) open(h shm.Host, end int) error {
	off := [2]uint64{64, 64 + fifo.Size(streamCap)}
	if end == 0 {
		for _, off := range off {
			if err := fifo.Init(l.seg, off, streamCap, streamStart); err != nil {
				return err
			}
		}
	}
	p, err := fifo.OpenProducer(l.seg, off[end])
	if err != nil {
		return err
	}
	c, err := fifo.OpenConsumer(l.seg, off[1-end])
	if err != nil {
		return err
	}
	out, in := l.bells[end], l.bells[1-end]
	l.w = fifo.Writer{Fifo: p, Bell: out.Own, Peer: out.Peer, Now: h.Now, Spin: fifo.SpinDefault}
	l.r = fifo.Reader{Fifo: c, Bell: in.Own, Peer: in.Peer, Now: h.Now, Spin: fifo.SpinDefault}
	return nil
}

// makeLink makes end 0 and sends the peer what it needs for end 1.
func makeLink(h shm.Host, peer shm.Conn) (*link, error) {
	var l link
	var err error
	if l.seg, err = h.CreateSegment(streamSize); err != nil {
		return nil, err
	}
	descs := []shm.Desc{l.seg.Desc()}
	for i := range l.bells {
		var theirs []shm.Desc
		if l.bells[i], theirs, err = shmtest.NewBells(h); err != nil {
			return nil, err
		}
		descs = append(descs, theirs...)
	}
	if err := l.open(h, 0); err != nil {
		return nil, err
	}
	err = peer.Send([]byte("link"), descs, h.Now()+shmtest.Liveness)
	return &l, errors.Join(err, shmtest.CloseDescs(descs[1:]))
}

// takeLink receives what makeLink sent.
func takeLink(h shm.Host, peer shm.Conn) (*link, error) {
	var l link
	_, descs, err := peer.Recv(make([]byte, 16), h.Now()+shmtest.Liveness)
	if err != nil {
		return nil, err
	}
	if l.seg, err = h.MapSegment(descs[0], streamSize); err != nil {
		return nil, err
	}
	for i := range l.bells {
		if l.bells[i], err = shmtest.OpenBells(h, descs[1+2*i:]); err != nil {
			return nil, err
		}
	}
	return &l, l.open(h, 1)
}

// close ends a link whose own doorbells are closed already, or not.
func (l *link) close() error {
	for _, bell := range l.bells {
		if err := bell.Close(); err != nil {
			return err
		}
	}
	return l.seg.Close()
}

// run streams total bytes each way. The peer's death ends it: the channel reports
// io.EOF, and closing the own doorbells wakes both directions. progress is called with
// the number of bytes received so far.
func (l *link) run(peer shm.Conn, total uint64, progress func(uint64)) error {
	var writeErr, readErr, peerErr error
	var streams, watcher sync.WaitGroup
	watcher.Go(func() {
		if _, _, peerErr = peer.Recv(make([]byte, 16), shm.Forever); peerErr != nil {
			for _, bells := range l.bells {
				peerErr = errors.Join(peerErr, bells.Own.Close())
			}
		}
	})
	streams.Go(func() { writeErr = l.write(total) })
	streams.Go(func() { readErr = l.read(total, progress) })
	streams.Wait()
	if writeErr == nil && readErr == nil {
		writeErr = peer.Send([]byte("all received"), nil, shm.Forever)
	}
	watcher.Wait()
	return errors.Join(writeErr, readErr, peerErr)
}

func (l *link) write(total uint64) error {
	rng, pattern := rand.New(rand.NewPCG(5, 6)), pattern()
	for done := uint64(0); done < total; {
		chunk := pattern[done%uint64(len(pattern)):]
		n := min(uint64(len(chunk)), total-done, 1+rng.Uint64N(1<<16))
		if _, err := l.w.Write(chunk[:n], shm.Forever); err != nil {
			return err
		}
		done += n
	}
	return nil
}

func (l *link) read(total uint64, progress func(uint64)) error {
	buf, pattern := make([]byte, 1<<16), pattern()
	for done := uint64(0); done < total; {
		progress(done)
		n, err := l.r.Read(buf, shm.Forever)
		if err != nil {
			return err
		}
		for got := buf[:n]; len(got) > 0; {
			want := pattern[done%uint64(len(pattern)):]
			want = want[:min(len(want), len(got))]
			if !bytes.Equal(got[:len(want)], want) {
				return fmt.Errorf("wrong bytes between %d and %d", done, done+uint64(len(want)))
			}
			got, done = got[len(want):], done+uint64(len(want))
		}
	}
	return nil
}

// streamer is a child at one end of a link, for as many bytes as it is told. With an address in the order it makes the
// link, and passes the other end on to the process that dials there; else it takes an end.
var streamer = shmtest.Child("streamer", func(h shm.Host, parent shm.Conn) error {
	order := make([]byte, 128)
	n, _, err := parent.Recv(order, h.Now()+shmtest.Liveness)
	if err != nil {
		return err
	}
	var l *link
	if addr := string(order[8:n]); addr != "" {
		l, err = serveLink(h, parent, addr)
	} else {
		l, err = takeLink(h, parent)
	}
	if err != nil {
		return err
	}
	err = l.run(parent, binary.LittleEndian.Uint64(order), func(uint64) {})
	return errors.Join(err, l.close())
})

// serveLink makes end 0 of a link for the process that dials addr when it is told that it can.
func serveLink(h shm.Host, parent shm.Conn, addr string) (*link, error) {
	listener, err := h.Listen(addr)
	if err != nil {
		return nil, err
	}
	if err := parent.Send([]byte("dial"), nil, h.Now()+shmtest.Liveness); err != nil {
		return nil, err
	}
	peer, err := listener.Accept(h.Now() + shmtest.Liveness)
	if err != nil {
		return nil, err
	}
	l, err := makeLink(h, peer)
	return l, errors.Join(err, peer.Close(), listener.Close())
}

// dialLink takes the other end of serveLink.
func dialLink(h shm.Host, child shm.Conn, addr string) (*link, error) {
	if _, _, err := child.Recv(make([]byte, 16), h.Now()+shmtest.Liveness); err != nil {
		return nil, err
	}
	peer, err := h.Dial(addr, shm.Forever)
	if err != nil {
		return nil, err
	}
	l, err := takeLink(h, peer)
	return l, errors.Join(err, peer.Close())
}

// startStreamer returns a child and this process's end of a link to it.
func startStreamer(t testing.TB, h shm.Host, total uint64, end int) (*shmtest.Process, *link) {
	t.Helper()
	p := shmtest.Start(t, h, streamer)
	order, addr := binary.LittleEndian.AppendUint64(nil, total), ""
	if end == 1 {
		addr = shmtest.NewAddr()
	}
	shmtest.Check(t, p.Conn.Send(append(order, addr...), nil, h.Now()+shmtest.Liveness))
	var l *link
	var err error
	if end == 0 {
		l, err = makeLink(h, p.Conn)
	} else {
		l, err = dialLink(h, p.Conn, addr)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p, l
}

// TestStreamBetweenProcesses: all bytes arrive, both ways at once.
func TestStreamBetweenProcesses(t *testing.T) {
	total := uint64(1 << 30)
	if testing.Short() || raced {
		total = 1 << 26
	}
	leaks := proctest.CheckLeaks(t)
	h := oshost.New()
	p, l := startStreamer(t, h, total, 0)
	begin := h.Now()
	shmtest.Check(t, l.run(p.Conn, total, func(uint64) {}))
	took := h.Now() - begin
	t.Logf("%d MiB each way in %v", total>>20, took.Round(time.Millisecond))
	p.Wait()
	shmtest.Check(t, l.close())
	leaks()
}

// TestStreamKilled: when a process is killed in the middle of streaming, having
// made the segment or not, the other is told, has received nothing wrong, and
// can clean up.
func TestStreamKilled(t *testing.T) {
	rounds := proctest.Rounds(t, 20, 200)
	leaks := proctest.CheckLeaks(t)
	h, rng := oshost.New(), rand.New(rand.NewPCG(7, 8))
	var longest time.Duration
	for round := range rounds {
		p, l := startStreamer(t, h, endless, round%2)
		when := rng.Uint64N(4 * streamCap)
		var once sync.Once
		var killed time.Duration
		err := l.run(p.Conn, endless, func(received uint64) {
			if received >= when {
				once.Do(func() { killed = h.Now(); p.Kill() })
			}
		})
		if !errors.Is(err, io.EOF) || !errors.Is(err, shm.ErrClosed) && !errors.Is(err, shm.ErrPeerClosed) {
			t.Errorf("round %d: got %v, want %v from the channel, %v or %v from the streams", round, err, io.EOF, shm.ErrClosed, shm.ErrPeerClosed)
		}
		longest = max(longest, h.Now()-killed)
		shmtest.Check(t, errors.Join(l.close(), p.Conn.Close()))
	}
	t.Logf("longest time from a kill to the end of both streams: %v", longest.Round(time.Microsecond))
	leaks()
}
