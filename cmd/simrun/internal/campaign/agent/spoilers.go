package agent

import (
	"encoding/binary"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"cutthrough/impl/wire"
	"cutthrough/shm"
	"cutthrough/shm/evq"
	"cutthrough/shm/fifo"
)

// descriptors sends one message too many descriptors, of which one takes long to close. A kernel that refuses them for the
// session layer makes the attempt the attack.
func (x *attack) descriptors() error {
	slow, err := lingering()
	if err != nil {
		return err
	}
	defer unix.Close(slow)
	for range 100 {
		c, err := x.connect()
		if err != nil {
			return err
		}
		fds := make([]int, shm.MaxDescs+1) // standard input, many times
		fds[shm.MaxDescs] = slow
		_ = c.send(wire.Message{Type: wire.Attach, Scope: wire.ScopeLocal}.Encode(nil), fds...)
		_ = c.send([]byte{1}, slow)
		_ = c.send([]byte{1})
		c.close()
		x.done.Add(3)
	}
	// The last close of it is ours, and must not linger.
	return unix.SetsockoptLinger(slow, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{})
}

// lingering returns a tcp socket whose last close waits for a peer that does not read.
func lingering() (fd int, err error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return -1, err
	}
	defer l.Close() // and with it the connection that was not accepted
	out, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		return -1, err
	}
	defer out.Close() // not the last descriptor
	in, err := l.Accept()
	if err != nil {
		return -1, err
	}
	time.AfterFunc(opPatience, func() { _ = in.Close() })
	_ = out.SetWriteDeadline(time.Now().Add(interval))
	for err == nil {
		_, err = out.Write(make([]byte, 1<<16))
	}
	if err := out.(*net.TCPConn).SetLinger(int(patience / time.Second)); err != nil {
		return -1, err
	}
	f, err := out.(*net.TCPConn).File()
	if err != nil {
		return -1, err
	}
	defer f.Close()
	return unix.Dup(int(f.Fd()))
}

// bells does with its ends of the doorbells all that an end can be used for.
func (x *attack) bells() error {
	p, err := x.application()
	if err != nil {
		return err
	}
	defer p.close()
	if ok, err := p.dial(0); err != nil || !ok || len(p.bells) != 2 {
		return nil // not now
	}
	shut := x.rng.IntN(4) == 0
	for range 50_000 {
		for _, fd := range p.bells {
			switch {
			case shut:
				_ = unix.Shutdown(fd, unix.SHUT_RDWR)
			case x.rng.IntN(4) == 0:
				_ = unix.SetNonblock(fd, false)
				_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1<<20)
			default:
				_ = unix.Send(fd, make([]byte, 1+x.rng.IntN(100)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
				_, _, _ = unix.Recvfrom(fd, make([]byte, 8), unix.MSG_DONTWAIT)
			}
		}
		x.done.Add(2)
	}
	return nil
}

// wordsOfSession is how many words a session with the server gets, which may have had enough much earlier.
const wordsOfSession = 1 << 17

// words writes random words into the segment of a session, many times.
func (x *attack) words() error {
	p, err := x.application()
	if err != nil {
		return err
	}
	defer p.close()
	for range 100 {
		if ok, err := p.dial(0); err != nil {
			return nil // it was hung up
		} else if !ok || p.memory == nil {
			return nil // not now
		}
		headers := p.headers()
		for i := range wordsOfSession {
			at := uint64(x.rng.Uint32())
			if at%8 != 0 { // mostly where it matters
				at = headers[at/8%uint64(len(headers))]
			} else {
				at %= uint64(len(p.memory)) &^ 7
			}
			binary.LittleEndian.PutUint64(p.memory[at:], x.value())
			if i%256 == 0 {
				p.ring()
			}
		}
		x.done.Add(wordsOfSession)
		p.reset()
	}
	return nil
}

// value returns a word, often one at a limit.
func (x *attack) value() uint64 {
	v := x.rng.Uint64()
	switch v % 4 {
	case 0:
		return v >> 8
	case 1:
		return v >> (v >> 58) // any length
	case 2:
		return uint64(int64(v) >> 58) // small, of both signs
	}
	return 1<<32 | v>>56
}

// headers returns where the words of the segment are that are not payload.
func (p *peer) headers() []uint64 {
	var all []uint64
	add := func(at, n uint64) {
		for off := at; off < at+n && off+8 <= uint64(len(p.memory)); off += 8 {
			all = append(all, off)
		}
	}
	add(0, shm.SegmentHeader)
	for _, at := range []wire.Location{p.session.Rx, p.session.Tx} {
		add(uint64(at-p.base), fifo.Size(0))
	}
	for _, at := range []wire.Location{p.session.PostQueue, p.session.ReadQueue} {
		add(uint64(at-p.base), evq.Size(256))
	}
	return all
}
