package impl

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"cutthrough/shm"
	"cutthrough/shm/evq"
	"cutthrough/shm/fifo"
)

var (
	nameServerLock = shm.NewName("server.lock")
	nameTimer      = shm.NewName("server.timer")
	nameAppBell    = shm.NewName("bell.app")
)

// Defaults of a [ServerConfig].
const (
	defaultBacklog   = 256
	defaultStrangers = 256
)

// Server runs a session layer as a service: it accepts applications on a
// listener, feeds a [Layer] and does what it asks for. It never waits for an
// application: what one does not read is kept up to a bound, and then
// the application is hung up. Safe for concurrent use.
type Server struct {
	host     shm.Host
	listener shm.Listener
	log      *slog.Logger
	backlog  int
	crowd    int // of strangers

	mu        sync.Locker
	layer     *Layer
	channels  map[Channel]*channel
	strangers []*channel // those that are nobody's, oldest first
	last      Channel
	segments  map[Handle]*shm.Segment
	timer     shm.Doorbell
	nextTick  time.Duration // what the timer task sleeps until
	closed    bool
	tasks     int
	done      shm.Doorbell // rung when the last task has ended
	observe   func(Channel, bool, Message)
	check     func(error) // gets broken invariants, in tests and simulation; nil in production
}

// ServerConfig is the configuration of a [Server].
type ServerConfig struct {
	Layer     Config
	Backlog   int          // messages that wait for one application, besides 4 for each of its sessions; default 256
	Strangers int          // channels of which no application has attached; one more, and the oldest goes; default 256
	Log       *slog.Logger // nil: silent
	// Observe, if not nil, gets every message in the order in which the layer takes and makes
	// them, and whether it made it: for monitors.
	Observe func(ch Channel, made bool, m Message)
	// Check, if not nil, gets the broken invariants after every step: for tests and
	// simulation, it looks at everything.
	Check func(error)
}

// channel is the control channel of one application.
type channel struct {
	id       Channel
	conn     shm.Conn
	bell     shm.Doorbell // the application's, once it has attached
	backlog  []outgoing
	flushing bool
	gone     bool
}

// outgoing is a message that waits to be sent.
type outgoing struct {
	msg     Message
	segment Handle
	bell    Handle
}

// NewServer returns a server of the applications that come to l. Call Run.
func NewServer(h shm.Host, l shm.Listener, cfg ServerConfig) *Server {
	return &Server{
		host: h, listener: l, log: cfg.Log, check: cfg.Check, observe: cfg.Observe,
		backlog: cmp.Or(cfg.Backlog, defaultBacklog), crowd: cmp.Or(cfg.Strangers, defaultStrangers),
		mu: h.NewLock(nameServerLock), layer: NewLayer(cfg.Layer),
		channels: map[Channel]*channel{}, segments: map[Handle]*shm.Segment{},
		timer: h.NewLocalDoorbell(nameTimer), done: h.NewLocalDoorbell(nameTimer), nextTick: shm.Forever,
	}
}

// Run accepts applications until Close, and returns nil then, or the listener's
// error.
func (s *Server) Run() error {
	s.mu.Lock()
	s.spawn("server-timer", s.runTimer)
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
		s.last++
		c := &channel{id: s.last, conn: conn}
		s.channels[c.id] = c
		s.step(Event{Kind: EvOpen, Channel: c.id})
		s.know(c)
		s.spawn("server-read", func() { s.read(c) })
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
	for id := Channel(1); id <= s.last; id++ {
		if c := s.channels[id]; c != nil {
			_ = c.conn.Close()
		}
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
func (s *Server) spawn(name string, f func()) {
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
	buf := make([]byte, MaxWire)
	for {
		n, descs, err := c.conn.Recv(buf, shm.Forever)
		if err != nil {
			s.hangup(c, err)
			return
		}
		m, err := Decode(buf[:n])
		if err == nil && len(descs) != m.Kind.Descs() {
			err = fmt.Errorf("impl: %w: %v with %d descriptors, want %d", ErrMessage, m.Kind, len(descs), m.Kind.Descs())
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
func (s *Server) know(c *channel) {
	stranger := !c.gone && s.layer.channels[c.id] == 0
	i := slices.Index(s.strangers, c)
	switch {
	case stranger && i < 0:
		s.strangers = append(s.strangers, c)
	case !stranger && i >= 0:
		s.strangers = slices.Delete(s.strangers, i, i+1)
	}
	if len(s.strangers) > s.crowd {
		_ = s.strangers[0].conn.Close() // its reader reports it
		s.strangers = slices.Delete(s.strangers, 0, 1)
	}
}

func closeDescs(descs []shm.Desc) {
	for _, d := range descs {
		_ = d.Close()
	}
}

// message gives one message of an application to the layer.
func (s *Server) message(c *channel, m Message, descs []shm.Desc) error {
	var bell shm.Doorbell
	if m.Kind == MsgAttach {
		var err error
		if bell, err = s.host.OpenDoorbell(descs[0], nameAppBell); err != nil {
			return err
		}
	} else {
		closeDescs(descs) // of a message that only the session layer sends
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if bell != nil && s.layer.channels[c.id] == 0 {
		c.bell, bell = bell, c.bell // of an attach that was refused, or before a detach
	}
	s.step(Event{Kind: EvMessage, Channel: c.id, Msg: m})
	s.know(c)
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
	s.know(c)
	s.step(Event{Kind: EvGone, Channel: c.id})
	if c.bell != nil {
		_ = c.bell.Close()
	}
}

// step drives the layer and does what it asks for. The caller has the lock.
func (s *Server) step(ev Event) {
	events := []Event{ev}
	for len(events) > 0 {
		ev, events = events[0], events[1:]
		ev.Now = s.host.Now()
		if s.observe != nil && ev.Kind == EvMessage {
			s.observe(ev.Channel, false, ev.Msg)
		}
		for _, fx := range s.layer.Step(ev) {
			if next, ok := s.do(fx); ok {
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
func (s *Server) do(fx Effect) (Event, bool) {
	switch fx.Kind {
	case FxSend:
		if s.observe != nil {
			s.observe(fx.Channel, true, fx.Msg)
		}
		if c := s.channels[fx.Channel]; c != nil && !c.gone {
			s.send(c, outgoing{fx.Msg, fx.Segment, fx.Bell})
		}
	case FxCreate:
		g, err := s.host.CreateSegment(fx.Size)
		if err == nil {
			s.segments[fx.Segment] = g
		} else if s.log != nil {
			s.log.Error("segment not created", "bytes", fx.Size, "err", err)
		}
		return Event{Kind: EvCreated, Segment: fx.Segment, Err: err}, true
	case FxFormat:
		s.format(s.segments[fx.Segment], fx.Blocks)
	case FxScrub:
		for _, b := range fx.Blocks {
			fifo.Scrub(s.segments[fx.Segment], b.Off, b.Fifo, 0)
		}
	case FxDestroy:
		if err := s.segments[fx.Segment].Close(); err != nil && s.log != nil {
			s.log.Error("segment not released", "segment", fx.Segment, "err", err)
		}
		delete(s.segments, fx.Segment)
	case FxHangup:
		if c := s.channels[fx.Channel]; c != nil {
			if s.log != nil {
				s.log.Warn("application hung up", "channel", c.id, "err", fx.Err)
			}
			_ = c.conn.Close() // its reader reports it
		}
	}
	return Event{}, false
}

// format makes empty fifos and queues. Places and sizes are the layer's own, so it
// cannot fail.
func (s *Server) format(g *shm.Segment, blocks []Block) {
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
			s.step(Event{Kind: EvTick})
		}
		s.mu.Unlock()
	}
}
