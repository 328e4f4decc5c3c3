package impl

import (
	"errors"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cutthrough/impl/server"
	"cutthrough/impl/wire"
	"cutthrough/internal/proctest"
	"cutthrough/shm"
)

// recv receives one message with its descriptors.
func (s socket) recv() (wire.Message, []int) {
	s.t.Helper()
	b, oob := make([]byte, wire.MaxSize), make([]byte, unix.CmsgSpace(4*shm.MaxDescs))
	var n, oobn int
	err := again(func() (err error) {
		n, oobn, _, _, err = unix.Recvmsg(s.fd, b, oob, unix.MSG_CMSG_CLOEXEC)
		return err
	})
	check(s.t, err)
	m, err := wire.Decode(b[:n])
	check(s.t, err)
	var fds []int
	if msgs, _ := unix.ParseSocketControlMessage(oob[:oobn]); len(msgs) == 1 {
		fds, err = unix.ParseUnixRights(&msgs[0])
		check(s.t, err)
	}
	return m, fds
}

func (s socket) say(m wire.Message) { s.send(m.Encode(nil)) }

// listen attaches and listens at uri.
func (s socket) listen(uri string) {
	s.say(wire.Message{Type: wire.Attach, RequestID: 1, Scope: wire.ScopeLocal})
	s.say(wire.Message{Type: wire.Bind, RequestID: 2, URI: uri})
	for m := (wire.Message{}); m.Type != wire.BindReply; {
		m, _ = s.recv()
	}
}

// accept accepts one session, the first with that peer. It returns what it gets of the doorbells.
func (s socket) accept() (wait, ring int) {
	for {
		switch m, fds := s.recv(); m.Type {
		case wire.Map:
			check(s.t, unix.Close(fds[0]))
			wait, ring = fds[1], fds[2]
			s.say(wire.Message{Type: wire.MapReply, Handle: m.Handle})
		case wire.Accept:
			s.say(wire.Message{Type: wire.AcceptReply, Handle: m.Handle})
			return wait, ring
		}
	}
}

// bellAttacks are what a peer can do with its ends of the doorbells. Each is called again and again.
var bellAttacks = map[string]func(wait, ring int){
	"take rings": func(wait, ring int) {
		for _, fd := range []int{wait, ring} {
			_, _, _ = unix.Recvfrom(fd, make([]byte, 8), unix.MSG_DONTWAIT)
		}
	},
	"fill": func(wait, ring int) {
		for _, fd := range []int{wait, ring} {
			_ = unix.Send(fd, make([]byte, 100), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		}
	},
	"make blocking": func(wait, ring int) {
		for _, fd := range []int{wait, ring} {
			_ = unix.SetNonblock(fd, false)
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1<<20)
		}
	},
	"shut down": func(wait, ring int) {
		for _, fd := range []int{wait, ring} {
			_ = unix.Shutdown(fd, unix.SHUT_RDWR)
		}
	},
}

// TestHostileBells: whatever a peer does with its ends of the doorbells, the deadlines of the sessions with it hold,
// Close returns, and sessions with others notice nothing.
func TestHostileBells(t *testing.T) {
	v := newVictims(t, server.Config{})
	leaks := proctest.CheckLeaks(t)
	port := 9
	for name, attack := range bellAttacks {
		t.Run(name, func(t *testing.T) {
			uri := fmt.Sprintf("tcp://127.0.0.1/%d", port) // the last one may still be being cleaned up
			port++
			s := rawSocket(t, v.addr)
			s.listen(uri)
			var c *Session
			dial := result(func() (err error) { c, err = v.b.Dial(t.Context(), uri); return err })
			wait, ring := s.accept()
			check(t, dial())
			stop, stopped := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(stopped)
				for {
					select {
					case <-stop:
						return
					default:
						attack(wait, ring)
					}
				}
			}()
			v.endure(t, c, name == "shut down")
			check(t, result(c.Close)())
			close(stop)
			<-stopped
			for _, fd := range []int{wait, ring, s.fd} {
				check(t, unix.Close(fd))
			}
		})
	}
	v.unharmed()
	leaks()
}

// endure uses c, whose peer is hostile, and a session with another peer beside it. A peer that closes its end of the
// doorbell is gone, so that c may end.
func (v *victims) endure(t *testing.T, c *Session, mayEnd bool) {
	for range 10 {
		check(t, c.SetDeadline(time.Now().Add(10*time.Millisecond)))
		read, write := result(c.read), result(c.fill)
		exchange(t, v.c, v.s, []byte("meanwhile"))
		exchange(t, v.s, v.c, []byte("meanwhile"))
		for _, err := range []error{read(), write()} { // result bounds the time
			if !errors.Is(err, os.ErrDeadlineExceeded) && !(mayEnd && errors.Is(err, ErrPeerGone)) {
				t.Errorf("got %v, want %v", err, os.ErrDeadlineExceeded)
			}
		}
	}
}

// TestLingeringDescriptors: strangers attach descriptors to what they send to the session layer, one of which takes long
// to close, and others connect and say nothing. An honest application attaches and connects meanwhile.
func TestLingeringDescriptors(t *testing.T) {
	v := newVictims(t, server.Config{})
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	check(t, err)
	defer func() { check(t, l.Close()) }()
	var slow []*os.File
	for range 3 {
		out, err := net.Dial("tcp4", l.Addr().String())
		check(t, err)
		in, err := l.Accept()
		check(t, err)
		defer in.Close()
		check(t, out.SetWriteDeadline(time.Now().Add(50*time.Millisecond)))
		for err = error(nil); err == nil; {
			_, err = out.Write(make([]byte, 1<<16))
		}
		check(t, out.(*net.TCPConn).SetLinger(int(liveness/time.Second)))
		f, err := out.(*net.TCPConn).File()
		check(t, err)
		check(t, out.Close()) // not the last descriptor
		slow = append(slow, f)
	}
	for _, f := range slow {
		s := rawSocket(t, v.addr)
		fds := append(make([]int, shm.MaxDescs), int(f.Fd()))
		err := unix.Sendmsg(s.fd, []byte{1}, unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL)
		refuses := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_PASSRIGHTS, 1) == nil // since Linux 6.16
		if refuses != (err == unix.EPERM) {
			t.Errorf("descriptors sent to the session layer: %v, though the kernel can refuse them: %v", err, refuses)
		}
		if err == unix.EPERM {
			check(t, unix.SetsockoptLinger(int(f.Fd()), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{}))
		} else {
			check(t, err)
		}
		check(t, f.Close())
		defer unix.Close(s.fd)
	}
	for range 301 {
		s := rawSocket(t, v.addr)
		defer unix.Close(s.fd)
	}
	a := attach(t, v.addr)
	c, err := a.Dial(t.Context(), testURI)
	check(t, err)
	check(t, c.Close())
	check(t, a.Close())
}
