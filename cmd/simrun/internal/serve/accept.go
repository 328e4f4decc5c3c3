package serve

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"cutthrough/shm"
)

// acceptPause is how long a listener waits after an error, such as a shortage of descriptors, before it tries again.
const acceptPause = 20 * time.Millisecond

// patientChannels is a listener of control channels whose Accept survives every error but the end of the listener.
type patientChannels struct {
	shm.Listener
	host shm.Host
	log  *slog.Logger
}

// Accept implements [shm.Listener].
func (p *patientChannels) Accept(deadline time.Duration) (shm.Conn, error) {
	for {
		c, err := p.Listener.Accept(deadline)
		if err == nil || errors.Is(err, shm.ErrClosed) || p.host.Now() >= deadline {
			return c, err
		}
		p.log.Warn("accept failed", "what", "application", "err", err)
		p.host.Sleep(min(deadline, p.host.Now()+acceptPause))
	}
}

// patientStreams is a listener of stream connections whose Accept survives every error but the end of the listener, and
// which has at most maxClients connections open: more wait to be accepted.
type patientStreams struct {
	net.Listener
	what  string
	log   *slog.Logger
	slots chan struct{}
}

// maxClients bounds the connections to one of the sockets for people and monitors.
const maxClients = 16

func newPatientStreams(l net.Listener, what string, log *slog.Logger) *patientStreams {
	return &patientStreams{l, what, log, make(chan struct{}, maxClients)}
}

// Accept implements [net.Listener].
func (p *patientStreams) Accept() (net.Conn, error) {
	p.slots <- struct{}{}
	for {
		c, err := p.Listener.Accept()
		switch {
		case err == nil:
			return &slotted{Conn: c, slots: p.slots}, nil
		case errors.Is(err, net.ErrClosed):
			<-p.slots
			return nil, err
		}
		p.log.Warn("accept failed", "what", p.what, "err", err)
		time.Sleep(acceptPause)
	}
}

// slotted gives back its slot when it is closed for the first time.
type slotted struct {
	net.Conn
	slots chan struct{}
	once  sync.Once
}

// Close implements [net.Conn].
func (s *slotted) Close() error {
	s.once.Do(func() { <-s.slots })
	return s.Conn.Close()
}
