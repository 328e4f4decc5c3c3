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
)

var (
	nameServerLock = shm.NewName("server.lock")
	nameTimer      = shm.NewName("server.timer")
	nameAppBell    = shm.NewName("bell.app")
)

// Defaults of a [Config].
const (
	defaultBacklog       = 256
	defaultMaxUnattached = 256
)

// Server runs a session layer as a service: it accepts applications on a
// listener, feeds a [Core] and does what it asks for. It never waits for an
// application: what one does not read is kept up to a bound, and then
// the application is hung up. Safe for concurrent use.
type Server struct {
	host          shm.Host
	listener      shm.Listener
	log           *slog.Logger
	backlog       int
	maxUnattached int // of strangers

	mu          sync.Locker
	layer       *layer.Core
	channels    map[layer.Channel]*channel
	unattached  []*channel // those that are nobody's, oldest first
	lastChannel layer.Channel
	segments    map[wire.Handle]*shm.Segment
	timer       shm.Doorbell
	nextTick    time.Duration // what the timer task sleeps until
	closed      bool
	tasks       int
	done        shm.Doorbell // rung when the last task has ended
	observe     func(layer.Channel, bool, wire.Message)
	check       func(error) // gets broken invariants, in tests and simulation; nil in production
}

// Config is the configuration of a [Server].
type Config struct {
	Layer         layer.Config
	Backlog       int          // messages that wait for one application, besides 4 for each of its sessions; default 256
	MaxUnattached int          // channels of which no application has attached; one more, and the oldest goes; default 256
	Log           *slog.Logger // nil: silent
	// Observe, if not nil, gets every message in the order in which the layer takes and makes
	// them, and whether it made it: for monitors.
	Observe func(ch layer.Channel, made bool, m wire.Message)
	// Check, if not nil, gets the broken invariants after every step: for tests and
	// simulation, it looks at everything.
	Check func(error)
}

// channel is the control channel of one application.
type channel struct {
	id       layer.Channel
	conn     shm.Conn
	bell     shm.Doorbell // the application's, once it has attached
	backlog  []outgoing
	flushing bool
	gone     bool
}

// outgoing is a message that waits to be sent.
type outgoing struct {
	msg     wire.Message
	segment wire.Handle
	bell    wire.Handle
}

// New returns a server of the applications that come to l. Call Run.
func New(h shm.Host, l shm.Listener, cfg Config) *Server {
	return &Server{
		host: h, listener: l, log: cfg.Log, check: cfg.Check, observe: cfg.Observe,
		backlog: cmp.Or(cfg.Backlog, defaultBacklog), maxUnattached: cmp.Or(cfg.MaxUnattached, defaultMaxUnattached),
		mu: h.NewLock(nameServerLock), layer: layer.New(cfg.Layer),
		channels: map[layer.Channel]*channel{}, segments: map[wire.Handle]*shm.Segment{},
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

// spawn runs f in a task that Close waits for. The caller has the lock.
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
		n, descs, err := c.conn.Recv(buf, shm.Forever)
		if err != nil {
			s.hangup(c, err)
			return
		}
		m, err := wire.Decode(buf[:n])
		if err == nil && len(descs) != m.Type.Descs() {
			err = fmt.Errorf("impl: %w: %v with %d descriptors, want %d", wire.ErrMessage, m.Type, len(descs), m.Type.Descs())
		}
		if err != nil {
			closeDescs(descs)
			s.hangup(c, err)
			return
		}
		if err := s.message(c, m, descs); err != nil {
			s.hangup(c, err)
			return
		}
	}
}

// know notes whether a channel is a stranger. Who only connects, and holds descriptors of the
// session layer with it, makes room for others.
func (s *Server) trackUnattachedLocked(c *channel) {
	stranger := !c.gone && !s.layer.Attached(c.id)
	i := slices.Index(s.unattached, c)
	switch {
	case stranger && i < 0:
		s.unattached = append(s.unattached, c)
	case !stranger && i >= 0:
		s.unattached = slices.Delete(s.unattached, i, i+1)
	}
	if len(s.unattached) > s.maxUnattached {
		_ = s.unattached[0].conn.Close() // its reader reports it
		s.unattached = slices.Delete(s.unattached, 0, 1)
	}
}

func closeDescs(descs []shm.Desc) {
	for _, d := range descs {
		_ = d.Close()
	}
}

// message gives one message of an application to the layer.
func (s *Server) message(c *channel, m wire.Message, descs []shm.Desc) error {
	var bell shm.Doorbell
	if m.Type == wire.Attach {
		var err error
		if bell, err = s.host.OpenDoorbell(descs[0], nameAppBell); err != nil {
			return err
		}
	} else {
		closeDescs(descs) // of a message that only the session layer sends
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if bell != nil && !s.layer.Attached(c.id) {
		c.bell, bell = bell, c.bell // of an attach that was refused, or before a detach
	}
	s.stepLocked(layer.Event{Kind: layer.EventMessage, Channel: c.id, Msg: m})
	s.trackUnattachedLocked(c)
	if bell != nil {
		_ = bell.Close()
	}
	return nil
}

// hangup ends a channel, for whatever reason.
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
	if c.bell != nil {
		_ = c.bell.Close()
	}
}

// step drives the layer and does what it asks for. The caller has the lock.
func (s *Server) stepLocked(ev layer.Event) {
	events := []layer.Event{ev}
	for len(events) > 0 {
		ev, events = events[0], events[1:]
		ev.Now = s.host.Now()
		if s.observe != nil && ev.Kind == layer.EventMessage {
			s.observe(ev.Channel, false, ev.Msg)
		}
		for _, fx := range s.layer.Step(ev) {
			if next, ok := s.doLocked(fx); ok {
				events = append(events, next)
			}
		}
		if s.check != nil {
			if err := s.layer.CheckInvariants(); err != nil {
				s.check(err)
			}
		}
	}
	if at, ok := s.layer.Deadline(); ok && at < s.nextTick {
		s.nextTick = at
		_ = s.timer.Ring()
	}
}

// do does one thing that the layer asks for; it may cause an event.
func (s *Server) doLocked(fx layer.Effect) (layer.Event, bool) {
	switch fx.Kind {
	case layer.EffectSend:
		if s.observe != nil {
			s.observe(fx.Channel, true, fx.Msg)
		}
		if c := s.channels[fx.Channel]; c != nil && !c.gone {
			s.sendLocked(c, outgoing{fx.Msg, fx.Segment, fx.Bell})
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
			shm.ScrubFifo(s.segments[fx.Segment], b.Off, b.Fifo, 0)
		}
	case layer.EffectDestroy:
		if err := s.segments[fx.Segment].Close(); err != nil && s.log != nil {
			s.log.Error("segment not released", "segment", fx.Segment, "err", err)
		}
		delete(s.segments, fx.Segment)
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

// format makes empty fifos and queues. Places and sizes are the layer's own, so it
// cannot fail.
func (s *Server) format(g *shm.Segment, blocks []segments.Block) {
	for _, b := range blocks {
		err := error(nil)
		if b.Slots > 0 {
			err = shm.InitQueue(g, b.Off, b.Slots)
		} else {
			err = shm.InitFifo(g, b.Off, b.Fifo, 0)
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
