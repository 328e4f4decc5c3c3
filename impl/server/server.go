package server

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"cutthrough/impl/layer"
	"cutthrough/impl/layer/segments"
	"cutthrough/impl/wire"
	"cutthrough/shm"
	"cutthrough/shm/evq"
	"cutthrough/shm/fifo"
)

var (
	nameServerLock = shm.NewName("server.lock")
	nameTimer      = shm.NewName("server.timer")
)

// Defaults of a [Config].
const (
	defaultBacklog       = 256
	defaultMaxUnattached = 256
)

// Core is the state machine that a [Server] drives: a [layer.Core], or a decorator that watches one. The server
// calls it under its lock.
type Core interface {
	// Step: see [layer.Core.Step].
	Step(layer.Event) []layer.Effect
	// Deadline: see [layer.Core.Deadline].
	Deadline() (time.Duration, bool)
	// Attached: see [layer.Core.Attached].
	Attached(layer.Channel) bool
	// ChannelOf: see [layer.Core.ChannelOf].
	ChannelOf(app wire.Handle) (layer.Channel, bool)
	// BacklogCredit: see [layer.Core.BacklogCredit].
	BacklogCredit(layer.Channel) int
	// Stat: see [layer.Core.Stat].
	Stat() layer.Stat
}

// Server runs a session layer as a service: it accepts applications on a
// listener, feeds a [Core] and does what it asks for. It never waits for an
// application: what one does not read is kept up to a bound, and then
// the application is hung up. Safe for concurrent use.
type Server struct {
	host          shm.Host
	listener      shm.Listener
	log           *slog.Logger
	backlog       int
	maxUnattached int

	mu          sync.Locker
	core        Core
	channels    map[layer.Channel]*channel
	unattached  []*channel // oldest first
	lastChannel layer.Channel
	segments    map[wire.Handle]*shm.Segment
	bells       bells
	timer       shm.Doorbell
	nextTick    time.Duration // what the timer task sleeps until
	closed      bool
	tasks       int
	done        shm.Doorbell // rung when the last task has ended
}

// Config is the configuration of a [Server].
type Config struct {
	Layer         layer.Config
	Core          Core         // to drive; nil: a new [layer.Core] with Layer
	Backlog       int          // messages that wait for one application, besides 4 for each of its sessions; default 256
	MaxUnattached int          // channels of which no application has attached; one more, and the oldest goes; default 256
	Log           *slog.Logger // nil: silent
}

// channel is the control channel of one application.
type channel struct {
	id       layer.Channel
	conn     shm.Conn
	backlog  []outgoing
	flushing bool
	gone     bool
}

// outgoing is a message that waits to be sent.
type outgoing struct {
	msg     wire.Message
	segment wire.Handle
	side    int // of a map: which side of the pair the application is
}

// New returns a server of the applications that come to l. Call Run.
func New(h shm.Host, l shm.Listener, cfg Config) *Server {
	if cfg.Core == nil {
		cfg.Core = layer.New(cfg.Layer)
	}
	return &Server{
		host: h, listener: l, log: cfg.Log,
		backlog: cmp.Or(cfg.Backlog, defaultBacklog), maxUnattached: cmp.Or(cfg.MaxUnattached, defaultMaxUnattached),
		mu: h.NewLock(nameServerLock), core: cfg.Core,
		channels: map[layer.Channel]*channel{}, segments: map[wire.Handle]*shm.Segment{}, bells: bells{},
		timer: h.NewLocalDoorbell(nameTimer), done: h.NewLocalDoorbell(nameTimer), nextTick: shm.Forever,
	}
}

// Run accepts applications until Close, and returns nil then, or the listener's
// error.
func (s *Server) Run() error {
	s.mu.Lock()
	s.spawnLocked("server-timer", s.runTimer)
	s.mu.Unlock()
	for {
		conn, err := s.listener.Accept(shm.Forever)
		if errors.Is(err, shm.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("impl: accept: %w", err)
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			_ = conn.Close()
			continue
		}
		s.lastChannel++
		c := &channel{id: s.lastChannel, conn: conn}
		s.channels[c.id] = c
		s.stepLocked(layer.Event{Kind: layer.EventOpen, Channel: c.id})
		s.trackUnattachedLocked(c)
		s.spawnLocked("server-read", func() { s.read(c) })
		s.mu.Unlock()
	}
}

// Close stops the server, hangs up all applications and returns when all its
// tasks have ended and everything is released. The second call returns
// shm.ErrClosed.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return shm.ErrClosed
	}
	s.closed = true
	err := s.listener.Close()
	_ = s.timer.Close()
	for _, id := range slices.Sorted(maps.Keys(s.channels)) {
		_ = s.channels[id].conn.Close()
	}
	for s.tasks > 0 {
		s.mu.Unlock()
		_ = s.done.Wait(nil, shm.Forever)
		s.mu.Lock()
	}
	s.mu.Unlock()
	return err
}

// spawnLocked runs f in a task that Close waits for.
func (s *Server) spawnLocked(name string, f func()) {
	s.tasks++
	s.host.Go(name, func() {
		f()
		s.mu.Lock()
		s.tasks--
		s.mu.Unlock()
		_ = s.done.Ring()
	})
}

// read feeds the messages of one application to the layer.
func (s *Server) read(c *channel) {
	buf := make([]byte, wire.MaxSize)
	for {
		n, _, err := c.conn.Recv(buf, shm.Forever) // a channel that was accepted takes no descriptors
		if err != nil {
			s.hangup(c, err)
			return
		}
		m, err := wire.Decode(buf[:n])
		if err != nil {
			s.hangup(c, err)
			return
		}
		s.message(c, m)
	}
}

// trackUnattachedLocked adds c to the unattached channels or removes it, and hangs up the oldest beyond the
// limit, so that idle connections cannot exhaust the descriptors of the session layer.
func (s *Server) trackUnattachedLocked(c *channel) {
	unattached := !c.gone && !s.core.Attached(c.id)
	i := slices.Index(s.unattached, c)
	switch {
	case unattached && i < 0:
		s.unattached = append(s.unattached, c)
	case !unattached && i >= 0:
		s.unattached = slices.Delete(s.unattached, i, i+1)
	}
	if len(s.unattached) > s.maxUnattached {
		_ = s.unattached[0].conn.Close() // its reader reports it
		s.unattached = slices.Delete(s.unattached, 0, 1)
	}
}

// message gives one message of an application to the layer.
func (s *Server) message(c *channel, m wire.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stepLocked(layer.Event{Kind: layer.EventMessage, Channel: c.id, Msg: m})
	s.trackUnattachedLocked(c)
}

// hangup ends a channel, whatever the reason.
func (s *Server) hangup(c *channel, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.log != nil && !errors.Is(why, io.EOF) && !errors.Is(why, shm.ErrClosed) {
		s.log.Warn("application hung up", "channel", c.id, "err", why)
	}
	c.gone = true
	c.backlog = nil
	_ = c.conn.Close()
	delete(s.channels, c.id)
	s.trackUnattachedLocked(c)
	s.stepLocked(layer.Event{Kind: layer.EventGone, Channel: c.id})
}

// stepLocked drives the core and does what it asks for.
func (s *Server) stepLocked(ev layer.Event) {
	events := []layer.Event{ev}
	for len(events) > 0 {
		ev, events = events[0], events[1:]
		ev.Now = s.host.Now()
		for _, fx := range s.core.Step(ev) {
			if next, ok := s.doLocked(fx); ok {
				events = append(events, next)
			}
		}
	}
	if at, ok := s.core.Deadline(); ok && at < s.nextTick {
		s.nextTick = at
		_ = s.timer.Ring()
	}
}

// doLocked does one thing that the core asks for. It may cause an event.
func (s *Server) doLocked(fx layer.Effect) (layer.Event, bool) {
	switch fx.Kind {
	case layer.EffectSend:
		if c := s.channels[fx.Channel]; c != nil && !c.gone {
			return s.sendLocked(c, outgoing{fx.Msg, fx.Segment, fx.Side})
		}
	case layer.EffectCreate:
		g, err := s.host.CreateSegment(fx.Size)
		if err == nil {
			s.segments[fx.Segment] = g
		} else if s.log != nil {
			s.log.Error("segment not created", "bytes", fx.Size, "err", err)
		}
		return layer.Event{Kind: layer.EventCreated, Segment: fx.Segment, Err: err}, true
	case layer.EffectFormat:
		s.format(s.segments[fx.Segment], fx.Blocks)
	case layer.EffectZero:
		for _, b := range fx.Blocks {
			fifo.Scrub(s.segments[fx.Segment], b.Off, b.Fifo, 0)
		}
	case layer.EffectDestroy:
		if err := s.segments[fx.Segment].Close(); err != nil && s.log != nil {
			s.log.Error("segment not released", "segment", fx.Segment, "err", err)
		}
		delete(s.segments, fx.Segment)
		s.bells.forget(fx.Segment, 0)
		s.bells.forget(fx.Segment, 1)
		delete(s.bells, fx.Segment)
	case layer.EffectForget:
		s.bells.forget(fx.Segment, fx.Side)
	case layer.EffectHangup:
		if c := s.channels[fx.Channel]; c != nil {
			if s.log != nil {
				s.log.Warn("application hung up", "channel", c.id, "err", fx.Err)
			}
			_ = c.conn.Close() // its reader reports it
		}
	}
	return layer.Event{}, false
}

// format makes empty fifos and queues. It panics on an error: places and sizes are the core's own.
func (s *Server) format(g *shm.Segment, blocks []segments.Block) {
	for _, b := range blocks {
		err := error(nil)
		if b.Slots > 0 {
			err = evq.Init(g, b.Off, b.Slots)
		} else {
			err = fifo.Init(g, b.Off, b.Fifo, 0)
		}
		if err != nil {
			panic(err)
		}
	}
}

// runTimer tells the layer when a deadline has come.
func (s *Server) runTimer() {
	for {
		s.mu.Lock()
		until := s.nextTick
		s.mu.Unlock()
		err := s.timer.Wait(nil, until)
		if errors.Is(err, shm.ErrClosed) {
			return
		}
		s.mu.Lock()
		if s.host.Now() >= s.nextTick {
			s.nextTick = shm.Forever
			s.stepLocked(layer.Event{Kind: layer.EventTick})
		}
		s.mu.Unlock()
	}
}
