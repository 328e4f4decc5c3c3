package fifo

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"cutthrough/shm"
	"cutthrough/shm/internal/shmtest"
	"cutthrough/shm/oshost"
)

// The other process of the benchmarks: this test binary again, with a
// socket's name in its environment.
const benchPeerEnv = "SHM_BENCH_PEER"

func init() {
	if addr := os.Getenv(benchPeerEnv); addr != "" {
		if err := benchPeer(addr); err != nil {
			fmt.Fprintln(os.Stderr, "bench peer:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// A transport moves messages of a size that both ends know.
type transport interface {
	send(msg []byte) error
	recv(msg []byte) error // all of it
	flush() error
}

// The transports, by the number that the two processes know them by.
const (
	overFifo    = iota // published per message
	overBatches        // published every 2 KiB
	overUnix
	overPipe
	numTransports
)

// order is what the parent tells the child to do, all counts in messages.
type order struct {
	Transport, Echo, Size, Count uint64
}

// fifoTransport is a stream in each direction, used by the message.
type fifoTransport struct {
	w *Writer
	r *Reader
}

func (t *fifoTransport) send(msg []byte) error { _, err := t.w.Write(msg, shm.Forever); return err }
func (t *fifoTransport) flush() error          { return nil }
func (t *fifoTransport) recv(msg []byte) error {
	for len(msg) > 0 {
		n, err := t.r.Read(msg, shm.Forever)
		if err != nil {
			return err
		}
		msg = msg[n:]
	}
	return nil
}

// batchTransport is the same, but leaves publishing to the fifo.
type batchTransport struct{ fifoTransport }

func (t *batchTransport) flush() error { return t.w.Flush() }
func (t *batchTransport) send(msg []byte) error {
	n, err := t.w.Fifo.Enqueue(msg)
	if n < len(msg) && err == nil {
		_, err = t.w.Write(msg[n:], shm.Forever)
	}
	return err
}

func (t *batchTransport) recv(msg []byte) error {
	n, err := t.r.Fifo.Dequeue(msg)
	if n < len(msg) && err == nil {
		return t.fifoTransport.recv(msg[n:])
	}
	return err
}

// fileTransport is a descriptor in each direction.
type fileTransport struct {
	r io.Reader
	w io.Writer
}

func (t fileTransport) flush() error          { return nil }
func (t fileTransport) send(msg []byte) error { _, err := t.w.Write(msg); return err }
func (t fileTransport) recv(msg []byte) error { _, err := io.ReadFull(t.r, msg); return err }

const (
	// More than the second-level cache of a core: a line that the consumer's core still
	// holds costs the producer three times as much to write as one that it has forgotten.
	benchFifo    = 4 << 20 // bytes of capacity
	benchSegment = 16 << 20
)

// benchFifos formats or opens the two fifos of the segment: the side with me = 0
// writes the first one.
func benchFifos(h shm.Host, s *shm.Segment, me int, bells shmtest.Bells) (fifoTransport, error) {
	offs := [2]uint64{4096, 4096 + Size(benchFifo)}
	p, err := OpenProducer(s, offs[me])
	if err != nil {
		return fifoTransport{}, err
	}
	c, err := OpenConsumer(s, offs[1-me])
	if err != nil {
		return fifoTransport{}, err
	}
	own, peer := bells.Own, bells.Peer
	return fifoTransport{
		&Writer{Fifo: p, Peer: peer, Bell: own, Now: h.Now, Spin: SpinDefault},
		&Reader{Fifo: c, Peer: peer, Bell: own, Now: h.Now, Spin: SpinDefault},
	}, nil
}

// benchPeer is the child: it attaches and obeys until the parent closes.
func benchPeer(addr string) error {
	h := oshost.New()
	conn, err := h.Dial(addr, shm.Forever)
	if err != nil {
		return err
	}
	buf := make([]byte, shm.MaxMessage)
	_, descs, err := conn.Recv(buf, shm.Forever)
	if err != nil {
		return err
	}
	s, err := h.MapSegment(descs[0], benchSegment)
	if err != nil {
		return err
	}
	bells, err := shmtest.OpenBells(h, descs[1:])
	if err != nil {
		return err
	}
	fifos, err := benchFifos(h, s, 1, bells)
	if err != nil {
		return err
	}
	socket, err := net.FileConn(os.NewFile(3, "unix"))
	if err != nil {
		return err
	}
	return obey(conn, buf, [numTransports]transport{
		overFifo: &fifos, overBatches: &batchTransport{fifos},
		overUnix: fileTransport{socket, socket},
		overPipe: fileTransport{os.NewFile(4, "pipe in"), os.NewFile(5, "pipe out")},
	})
}

func obey(conn shm.Conn, buf []byte, ts [numTransports]transport) error {
	for {
		n, _, err := conn.Recv(buf, shm.Forever)
		if err == io.EOF {
			return nil
		}
		var o order
		if err == nil {
			_, err = binary.Decode(buf[:n], binary.NativeEndian, &o)
		}
		if err != nil {
			return err
		}
		t, msg := ts[o.Transport], make([]byte, o.Size)
		for range o.Count {
			if err := t.recv(msg); err != nil {
				return err
			}
			if o.Echo != 0 {
				if err := t.send(msg); err != nil {
					return err
				}
			}
		}
		if err := conn.Send([]byte("done"), nil, shm.Forever); err != nil {
			return err
		}
	}
}

// peerProcess is the parent's view of the child.
type peerProcess struct {
	conn shm.Conn
	ts   [numTransports]transport
}

func startPeer(b *testing.B) *peerProcess {
	check := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	h := oshost.New()
	addr := filepath.Join(b.TempDir(), "s")
	l, err := h.Listen(addr)
	check(err)
	defer l.Close()
	socket, sockets := benchSocketPair(b)
	inR, inW, err := os.Pipe()
	check(err)
	outR, outW, err := os.Pipe()
	check(err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), benchPeerEnv+"="+addr)
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{sockets, inR, outW}
	check(cmd.Start())
	for _, f := range cmd.ExtraFiles {
		check(f.Close())
	}
	conn, err := l.Accept(shm.Forever)
	check(err)
	b.Cleanup(func() {
		check(conn.Close())
		check(cmd.Wait())
		check(socket.Close())
		check(inW.Close())
		check(outR.Close())
	})
	s, err := h.CreateSegment(benchSegment)
	check(err)
	b.Cleanup(func() { check(s.Close()) })
	bells, theirs, err := shmtest.NewBells(h)
	check(err)
	b.Cleanup(func() { check(bells.Close()) })
	for i := range uint64(2) {
		check(Init(s, 4096+i*Size(benchFifo), benchFifo, 0))
	}
	check(conn.Send([]byte("here"), append([]shm.Desc{s.Desc()}, theirs...), shm.Forever))
	check(shmtest.CloseDescs(theirs))
	fifos, err := benchFifos(h, s, 0, bells)
	check(err)
	return &peerProcess{conn, [numTransports]transport{
		overFifo: &fifos, overBatches: &batchTransport{fifos},
		overUnix: fileTransport{socket, socket},
		overPipe: fileTransport{outR, inW},
	}}
}

// benchSocketPair returns the two ends of a unix stream socket, one as a file
// for the child.
func benchSocketPair(b *testing.B) (net.Conn, *os.File) {
	l, err := net.Listen("unix", filepath.Join(b.TempDir(), "u"))
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	far, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer far.Close()
	near, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	f, err := far.(*net.UnixConn).File()
	if err != nil {
		b.Fatal(err)
	}
	return near, f
}

// run has the child do its part of o, does this side's part, and returns when
// both have finished.
func (p *peerProcess) run(o order) error {
	buf, err := binary.Append(nil, binary.NativeEndian, o)
	if err != nil {
		return err
	}
	if err := p.conn.Send(buf, nil, shm.Forever); err != nil {
		return err
	}
	t, msg := p.ts[o.Transport], make([]byte, o.Size)
	for range o.Count {
		if err := t.send(msg); err != nil {
			return err
		}
		if o.Echo != 0 {
			if err := t.recv(msg); err != nil {
				return err
			}
		}
	}
	if err := t.flush(); err != nil {
		return err
	}
	_, _, err = p.conn.Recv(buf, shm.Forever)
	return err
}
