package agent

import (
	"time"

	"golang.org/x/sys/unix"

	"cutthrough/impl/wire"
)

// peer is an attacker that has attached, and may have a session with the server.
type peer struct {
	*channel
	memory  []byte // the segment of the last map
	base    wire.Location
	bells   []int        // our ends: to wait, to ring
	session wire.Message // the reply to the last dial
}

// application attaches. While the session layer does not want more of us, that takes longer.
func (x *attack) application() (*peer, error) {
	for {
		c, err := x.connect()
		if err != nil {
			return nil, err
		}
		p := &peer{channel: c}
		p.say(wire.Message{Type: wire.Attach, Scope: wire.ScopeLocal})
		if m, err := p.recv(); err == nil && m.Type == wire.AttachReply && m.Status == wire.OK {
			return p, nil
		}
		p.close()
		time.Sleep(interval)
	}
}

func (p *peer) close() {
	p.unmap()
	p.dropBells()
	p.channel.close()
}

func (p *peer) unmap() {
	if p.memory != nil {
		_ = unix.Munmap(p.memory)
	}
	p.memory = nil
}

func (p *peer) dropBells() {
	for _, fd := range p.bells {
		_ = unix.Close(fd)
	}
	p.bells = nil
}

// dial dials the server for fifos of so many bytes, and answers what the session layer asks meanwhile. It returns whether
// there is a session; an error means that the session layer has hung up.
func (p *peer) dial(fifo uint32) (bool, error) {
	if err := p.send(wire.Message{Type: wire.Connect, RequestID: 2, URI: URI, RxSize: fifo, TxSize: fifo}.Encode(nil)); err != nil {
		return false, err
	}
	for {
		m, err := p.recv()
		if err != nil {
			return false, err
		}
		if m.Type == wire.ConnectReply {
			p.session = m.Message
			return m.Status == wire.OK, nil
		}
		p.answer(m)
	}
}

// reset gives up the session.
func (p *peer) reset() {
	p.say(wire.Message{Type: wire.Reset, RequestID: 3, Handle: p.session.Handle})
}

// answer answers a message as an honest application does.
func (p *peer) answer(m message) {
	switch m.Type {
	case wire.Map:
		p.take(m)
		p.say(wire.Message{Type: wire.MapReply, Handle: m.Handle})
	case wire.Unmap, wire.Disconnect, wire.Reset:
		p.say(wire.Message{Type: m.Type.Reply(), Handle: m.Handle})
	}
}

// take keeps what comes with a map.
func (p *peer) take(m message) {
	if len(m.fds) == 0 {
		return
	}
	p.unmap()
	p.memory, _ = unix.Mmap(m.fds[0], 0, int(m.Size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED) // nil: nothing to spoil
	p.base = m.Base
	_ = unix.Close(m.fds[0])
	if len(m.fds) > 1 {
		p.dropBells()
		p.bells = m.fds[1:]
	}
}

// ring rings the server.
func (p *peer) ring() {
	if len(p.bells) == 2 {
		_ = unix.Send(p.bells[1], []byte{1}, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	}
}
