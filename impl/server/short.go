package server

import (
	"errors"
	"time"

	"cutthrough/impl/wire"
	"cutthrough/shm"
)

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

// answeredLocked lets the next map go when the last one is answered, or the application has given up all maps.
func (s *Server) answeredLocked(c *channel, m wire.Message) {
	answers := m.Type == wire.MapReply || m.Type == wire.UnmapReply
	if answers && m.Handle == c.mapping || m.Type == wire.Detach {
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
