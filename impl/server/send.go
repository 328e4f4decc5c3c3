package server

import (
	"errors"
	"fmt"

	"cutthrough/impl/layer"
	"cutthrough/impl/wire"
	"cutthrough/shm"
)

// sendLocked sends a message now or, when the channel is full, as soon as the application reads. An application
// that lets too many messages wait is hung up. A map that cannot be sent is answered in place of the application.
func (s *Server) sendLocked(c *channel, o outgoing) (layer.Event, bool) {
	if len(c.backlog) == 0 {
		descs, ok, err := s.descsLocked(o)
		switch {
		case err != nil:
			return s.unsentLocked(c, o, err), true
		case ok:
			err = c.conn.Send(o.msg.Encode(nil), descs, 0)
		}
		if !errors.Is(err, shm.ErrDeadline) {
			s.failSendLocked(c, err)
			return layer.Event{}, false
		}
	}
	if len(c.backlog) >= s.backlogBoundLocked(c) {
		s.failSendLocked(c, fmt.Errorf("impl: %d messages wait for it", len(c.backlog)))
		return layer.Event{}, false
	}
	c.backlog = append(c.backlog, o)
	if !c.flushing {
		c.flushing = true
		s.spawnLocked("server-flush", func() { s.flush(c) })
	}
	return layer.Event{}, false
}

// unsentLocked returns the event that a map without descriptors is: the answer that it failed. The application is told
// of what it needed the segment for, does not find it, and refuses that.
func (s *Server) unsentLocked(c *channel, o outgoing, err error) layer.Event {
	if s.log != nil {
		s.log.Error("segment not shared", "channel", c.id, "segment", o.segment, "err", err)
	}
	return layer.Event{Kind: layer.EventMessage, Channel: c.id,
		Msg: wire.Message{Type: wire.MapReply, Handle: o.segment, Status: wire.NoMemory}}
}

// perSession is how many messages may wait for an application on behalf of each of its sessions. When a peer
// with many sessions dies, all are reset in one step: the survivor must not be hung up for having so many.
const perSession = 4

// backlogBoundLocked returns how many messages may wait for an application.
func (s *Server) backlogBoundLocked(c *channel) int {
	return s.backlog + perSession*s.core.BacklogCredit(c.id)
}

// failSendLocked closes the channel after a failed send; its reader reports that. After ErrPeerClosed the
// channel stays open: messages of the application that are unread, such as closes of sessions, still count, and
// the reader comes to the end by itself.
func (s *Server) failSendLocked(c *channel, err error) {
	if err == nil {
		return
	}
	c.backlog = nil
	if errors.Is(err, shm.ErrPeerClosed) {
		return
	}
	if s.log != nil && !errors.Is(err, shm.ErrClosed) {
		s.log.Warn("application hung up", "channel", c.id, "err", err)
	}
	_ = c.conn.Close()
}

// flush sends what waits for an application. While it sends without the lock, the application may leave and what was to
// be sent be closed.
func (s *Server) flush(c *channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(c.backlog) > 0 {
		o := c.backlog[0]
		descs, ok, err := s.descsLocked(o)
		if err != nil {
			s.stepLocked(s.unsentLocked(c, o, err))
		}
		if ok {
			s.mu.Unlock()
			err := c.conn.Send(o.msg.Encode(nil), descs, shm.Forever)
			s.mu.Lock()
			if errors.Is(err, shm.ErrDesc) {
				continue
			}
			s.failSendLocked(c, err)
		}
		if len(c.backlog) > 0 {
			c.backlog = c.backlog[1:]
		}
	}
	c.flushing = false
	s.stepLocked(layer.Event{Kind: layer.EventDrained, Channel: c.id})
}

// descsLocked returns the descriptors that go with a message. False: the message is not to be sent, because its
// segment is destroyed, or the side has answered it unseen, so the application has left or given up by itself; or because
// there are no doorbells: then the error says why.
func (s *Server) descsLocked(o outgoing) ([]shm.Desc, bool, error) {
	if o.msg.Type != wire.Map {
		return nil, true, nil
	}
	g := s.segments[o.segment]
	if g == nil {
		return nil, false, nil
	}
	if !o.msg.Doorbells {
		return []shm.Desc{g.Desc()}, true, nil
	}
	b, err := s.bells.of(s.host, o.segment)
	if err != nil {
		return nil, false, err
	}
	if b[o.side][0] == nil {
		return nil, false, nil
	}
	return append([]shm.Desc{g.Desc()}, b[o.side][:]...), true, nil
}
