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
		descs, ok := s.descsLocked(c, o)
		if !ok {
			return
		}
		s.encoded = o.msg.Encode(s.encoded[:0])
		err := c.conn.Send(s.encoded, descs, 0)
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
	if !errors.Is(err, shm.ErrClosed) {
		s.log.Warn("application hung up", "channel", c.id, "err", err)
	}
	s.closeLocked(c.conn)
}

// flush sends what waits for an application. While it sends without the lock, the application may leave and what was to
// be sent be closed.
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

// descsLocked returns the descriptors that go with a message. False: the message is not to be sent, because its
// segment is destroyed, or the side has answered it unseen, so the application has left or given up by itself. A map
// whose doorbells cannot be made goes without descriptors, as [Server.sendOut] says.
func (s *Server) descsLocked(c *channel, o outgoing) ([]shm.Desc, bool) {
	if o.msg.Type != wire.Map {
		return nil, true
	}
	g := s.segments[o.segment]
	if g == nil {
		return nil, false
	}
	if !o.msg.Doorbells {
		return []shm.Desc{g.Desc()}, true
	}
	b, err := s.bells.of(s.host, o.segment)
	if err != nil {
		s.log.Error("segment not shared", "channel", c.id, "segment", o.segment, "err", err)
		return nil, true
	}
	if b[o.side][0] == nil {
		return nil, false
	}
	return append([]shm.Desc{g.Desc()}, b[o.side][:]...), true
}

// shortPause is the time between attempts to send while the kernel lacks what the message needs.
const shortPause = 10 * time.Millisecond

// mayGetLocked says whether a message may be sent now. An application that has not answered a map gets no other:
// descriptors in flight count against the session layer, so an application that does not read could use them up.
func (c *channel) mayGetLocked(o outgoing) bool { return o.msg.Type != wire.Map || c.mapping == 0 }

// sentLocked records that a message was sent.
func (c *channel) sentLocked(o outgoing) {
	if o.msg.Type == wire.Map {
		c.mapping = o.segment
	}
}

// answeredLocked lets the next map go when the last one is answered. An application that leaves must answer too: else
// one that attaches again and again without reading would have many descriptors in flight.
func (s *Server) answeredLocked(c *channel, m wire.Message) {
	answers := m.Type == wire.MapReply || m.Type == wire.UnmapReply
	if answers && m.Handle == c.mapping {
		c.mapping = 0
		s.startFlushLocked(c)
	}
}

// sendOut sends a message without the lock, when there is room. While descriptors cannot be sent, because others
// have too many in flight, it sends the map without them: the application answers that it cannot map, and loses
// that session alone. Any other shortage passes.
func (s *Server) sendOut(c *channel, o outgoing, descs []shm.Desc) error {
	for {
		err := c.conn.Send(o.msg.Encode(nil), descs, shm.Forever)
		if !errors.Is(err, shm.ErrShortage) {
			return err
		}
		if len(descs) > 0 {
			descs = nil
			continue
		}
		s.host.Sleep(s.host.Now() + shortPause)
	}
}
