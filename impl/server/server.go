package server

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
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

// Server runs a session layer as a service: it accepts applications on a
// listener, feeds a [Core] and does what it asks for. It never waits for an
// application: what one does not read is kept up to a bound, and then
// the application is hung up. Safe for concurrent use.
type Server struct {
	host              shm.Host
	listener          shm.Listener
	log               *slog.Logger
	backlog           int
	maxUnattached     int
	maxUserUnattached int
	policy            Policy

	mu          sync.Locker
	core        Core
	channels    map[layer.Channel]*channel
	unattached  []*channel // oldest first
	admission   admission
	admissions  Admissions
	closing     []shm.Conn // when the lock is given back
	encoded     []byte     // the message that is sent under the lock
	lastChannel layer.Channel
	segments    map[wire.Handle]*shm.Segment
	bells       bells
	work        map[wire.Handle][]*memoryWork // by pair; of each, the first may be under way
	ready       []wire.Handle                 // pairs whose first piece of work waits for a worker
	workers     int
	timer       shm.Doorbell
	nextTick    time.Duration // what the timer task sleeps until
	closed      bool
	tasks       int
	done        shm.Doorbell // rung when the last task has ended
}

// channel is the control channel of one application.
type channel struct {
	id       layer.Channel
	conn     shm.Conn
	peer     shm.Peer
	attaches int         // requests to attach so far
	mapping  wire.Handle // the segment of the last map, until the application has answered; or 0
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
	cfg = cfg.Resolved()
	if cfg.Core == nil {
		cfg.Core = layer.New(cfg.Layer)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{
		host: h, listener: l, log: cfg.Log, policy: cfg.Policy,
		backlog: cfg.Backlog, maxUnattached: cfg.MaxUnattached, maxUserUnattached: cfg.MaxUserUnattached,
		mu: h.NewLock(nameServerLock), core: cfg.Core,
		channels: map[layer.Channel]*channel{}, segments: map[wire.Handle]*shm.Segment{}, bells: bells{}, encoded: make([]byte, 0, wire.MaxSize),
		work:  map[wire.Handle][]*memoryWork{},
		timer: h.NewLocalDoorbell(nameTimer), done: h.NewLocalDoorbell(nameTimer), nextTick: shm.Forever,
	}
}

// Run accepts applications until Close, and returns nil then. It survives every error of the listener with a
// pause. ErrNoPolicy at once.
func (s *Server) Run() error {
	if s.policy == nil && strings.HasPrefix(s.listener.Addr(), "@") {
		return fmt.Errorf("%w: %q", ErrNoPolicy, s.listener.Addr())
	}
	s.mu.Lock()
	s.spawnLocked("server-timer", s.runTimer)
	s.mu.Unlock()
	for {
		conn, err := s.listener.Accept(shm.Forever)
		if errors.Is(err, shm.ErrClosed) {
			return nil
		}
		var peer shm.Peer
		if err == nil {
			if peer, err = conn.Peer(); err != nil {
				_ = conn.Close()
			}
		}
		if err != nil {
			s.acceptFailed(err)
			continue
		}
		s.mu.Lock()
		s.admitLocked(conn, peer)
		s.unlock()
	}
}

// acceptPause is the time between attempts to accept while the listener fails.
const acceptPause = 10 * time.Millisecond

// acceptFailed waits after a failed accept: whatever the listener lacks, it may have later.
func (s *Server) acceptFailed(err error) {
	s.log.Warn("accept failed", "err", err)
	s.host.Sleep(s.host.Now() + acceptPause)
}

// Leave tells the applications that the session layer is about to end, so that they ask for nothing more. Those that are
// attached keep their sessions when it has, and attach to the next one. Close the listener before, and call Close when no
// session is pending any more.
func (s *Server) Leave() {
	s.mu.Lock()
	defer s.unlock()
	for _, id := range slices.Sorted(maps.Keys(s.channels)) {
		if s.core.Attached(id) {
			s.sendLocked(s.channels[id], outgoing{msg: wire.Message{Type: wire.Leaving}})
		}
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
		s.closeLocked(s.channels[id].conn)
	}
	for s.tasks > 0 {
		s.unlock()
		_ = s.done.Wait(nil, shm.Forever)
		s.mu.Lock()
	}
	s.unlock()
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

// message gives one message of an application to the layer.
func (s *Server) message(c *channel, m wire.Message) {
	refuse := s.judge(c, m)
	s.mu.Lock()
	defer s.unlock()
	s.answeredLocked(c, m)
	s.stepLocked(layer.Event{Kind: layer.EventMessage, Channel: c.id, Msg: m, Refuse: refuse})
	s.trackUnattachedLocked(c)
}

// hangup ends a channel, whatever the reason.
func (s *Server) hangup(c *channel, why error) {
	s.mu.Lock()
	defer s.unlock()
	if !errors.Is(why, io.EOF) && !errors.Is(why, shm.ErrClosed) {
		s.log.Warn("application hung up", "channel", c.id, "err", why)
	}
	c.gone = true
	c.backlog = nil
	s.closeLocked(c.conn)
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
		if c := s.channels[fx.Channel]; c != nil && !c.gone && !s.closed { // the end of all channels is no death of a peer
			s.sendLocked(c, outgoing{fx.Msg, fx.Segment, fx.Side})
		}
	case layer.EffectCreate, layer.EffectZero:
		return s.workLocked(fx)
	case layer.EffectDestroy:
		s.bells.drop(fx.Segment)
		return s.workLocked(fx)
	case layer.EffectFormat:
		s.format(s.segments[fx.Segment], fx.Blocks)
	case layer.EffectForget:
		s.bells.forget(fx.Segment, fx.Side)
	case layer.EffectHangup:
		if c := s.channels[fx.Channel]; c != nil {
			s.log.Warn("application hung up", "channel", c.id, "err", fx.Err)
			s.closeLocked(c.conn) // its reader reports it
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
		s.unlock()
	}
}
