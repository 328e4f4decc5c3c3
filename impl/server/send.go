package server

import (
	"errors"
	"fmt"
	"time"

	"cutthrough/impl/layer"
	"cutthrough/impl/wire"
	"cutthrough/shm"
)

// sendLocked sends a message now or, when the channel is full, as soon as the application reads. An application
// that lets too many messages wait is hung up.
func (s *Server) sendLocked(c *channel, o outgoing) {
	if len(c.backlog) == 0 && c.mayGetLocked(o) {
		err := s.sendNowLocked(c, o, 0)
		if !errors.Is(err, shm.ErrDeadline) && !errors.Is(err, shm.ErrShortage) {
			c.sentLocked(o)
			s.failSendLocked(c, err)
			return
		}
	}
	if len(c.backlog) >= s.backlogBoundLocked(c) {
		s.failSendLocked(c, fmt.Errorf("impl: %d messages wait for it", len(c.backlog)))
		return
	}
	c.backlog = append(c.backlog, o)
	s.startFlushLocked(c)
}

// startFlushLocked sends what waits for an application in a task, unless it waits for an answer first.
func (s *Server) startFlushLocked(c *channel) {
	if !c.flushing && len(c.backlog) > 0 && c.mayGetLocked(c.backlog[0]) {
		c.flushing = true
		s.spawnLocked("server-flush", func() { s.flush(c) })
	}
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
	s.closeLocked(c.conn)
}

// flush sends what waits for an application. While it sends without the lock, a peer may leave and its doorbell
// be closed: then another one goes instead.
func (s *Server) flush(c *channel) {
	s.mu.Lock()
	defer s.unlock()
	for len(c.backlog) > 0 && c.mayGetLocked(c.backlog[0]) {
		o := c.backlog[0]
		if descs, ok := s.descsLocked(c, o); ok {
			c.sentLocked(o) // before the application can answer
			s.unlock()
			err := s.sendOut(c, o, descs)
			s.mu.Lock()
			if errors.Is(err, shm.ErrDesc) {
				c.mapping = 0
				continue
			}
			s.failSendLocked(c, err)
		}
		if len(c.backlog) > 0 {
			c.backlog = c.backlog[1:]
		}
	}
	c.flushing = false
	if len(c.backlog) > 0 {
		return // it waits for an answer
	}
	s.stepLocked(layer.Event{Kind: layer.EventDrained, Channel: c.id})
}

func (s *Server) sendNowLocked(c *channel, o outgoing, deadline time.Duration) error {
	descs, ok := s.descsLocked(c, o)
	if !ok {
		return nil
	}
	return c.conn.Send(o.msg.Encode(nil), descs, deadline)
}

// descsLocked returns the descriptors that go with a message. False: the message is not to be sent, because its
// segment is destroyed and so the application has left or given up by itself. A peer that has left meanwhile has
// no doorbell any more; the receiver's own does no harm.
func (s *Server) descsLocked(c *channel, o outgoing) ([]shm.Desc, bool) {
	if o.msg.Type != wire.Map {
		return nil, true
	}
	g := s.segments[o.segment]
	if g == nil {
		return nil, false
	}
	bell := c.bell
	if ch, ok := s.core.ChannelOf(o.bell); ok {
		bell = s.channels[ch].bell
	}
	return []shm.Desc{g.Desc(), bell.Desc()}, true
}
