package server

import (
	"errors"
	"slices"
	"testing"
	"time"

	"cutthrough/impl/layer"
	"cutthrough/impl/layer/layertest"
	"cutthrough/impl/wire"
	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/oshost"
)

// stuckConn is the session layer's end of a channel that is full until the test says otherwise: then
// each Send asks open what to do.
type stuckConn struct {
	shm.Conn
	open chan func(msg wire.Message, descs []shm.Desc) error
}

func (c *stuckConn) Send(b []byte, descs []shm.Desc, deadline time.Duration) error {
	if deadline != shm.Forever {
		return shm.ErrDeadline
	}
	m, err := wire.Decode(b)
	if err != nil {
		return err
	}
	return (<-c.open)(m, descs)
}

func (c *stuckConn) Close() error { return nil }

// idleConn is the session layer's end of a channel that takes everything.
type idleConn struct{ shm.Conn }

func (idleConn) Send([]byte, []shm.Desc, time.Duration) error { return nil }
func (idleConn) Close() error                                 { return nil }

// TestPeerLeavesWhileMapWaits: the channel of an application is full when it is to be told of a segment. Meanwhile the
// peer dies, and its ends of the doorbells are closed. The application did nothing wrong, so it is told of the segment
// all the same, with its own ends.
func TestPeerLeavesWhileMapWaits(t *testing.T) {
	h := oshost.New()
	s := New(h, nil, Config{Core: layertest.Core{Core: layer.New(layer.Config{}), Broken: func(err error) { t.Error(err) }}})
	stuck := &stuckConn{open: make(chan func(wire.Message, []shm.Desc) error)}
	newChannel := func(id layer.Channel, conn shm.Conn) *channel {
		c := &channel{id: id, conn: conn}
		s.channels[id] = c
		s.stepLocked(layer.Event{Kind: layer.EventOpen, Channel: id})
		return c
	}
	say := func(c *channel, m wire.Message) {
		s.stepLocked(layer.Event{Kind: layer.EventMessage, Channel: c.id, Msg: m})
	}

	s.mu.Lock()
	victim, peer := newChannel(1, stuck), newChannel(2, idleConn{})
	say(victim, wire.Message{Type: wire.Attach, Scope: wire.ScopeLocal})
	say(victim, wire.Message{Type: wire.Bind, URI: testURI})
	say(peer, wire.Message{Type: wire.Attach, Scope: wire.ScopeLocal})
	say(peer, wire.Message{Type: wire.Connect, URI: testURI})
	s.mu.Unlock()

	var heard []wire.Type
	var descs []shm.Desc
	goes := func(m wire.Message, ds []shm.Desc) error {
		heard, descs = append(heard, m.Type), append(descs, ds...)
		return nil
	}
	dies := func(m wire.Message, ds []shm.Desc) error {
		if m.Type != wire.Map || !m.Doorbells {
			t.Errorf("%v with %v, want a map with doorbells", m, ds)
		}
		s.hangup(peer, errors.New("it died"))
		for _, d := range ds[1:] {
			if err := d.Close(); err != nil {
				t.Errorf("a doorbell of a map under way was closed: %v", err)
			}
		}
		return goes(m, ds)
	}
	for _, do := range []func(wire.Message, []shm.Desc) error{goes, goes, dies, goes, goes} {
		select {
		case stuck.open <- do:
		case <-time.After(proctest.Liveness):
			t.Fatalf("heard %v and no more", heard)
		}
	}
	rest := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for s.tasks > 0 {
			s.mu.Unlock()
			check(t, s.done.Wait(nil, h.Now()+proctest.Liveness))
			s.mu.Lock()
		}
	}
	rest()
	if want := []wire.Type{wire.AttachReply, wire.BindReply, wire.Map, wire.Accept, wire.Reset}; !slices.Equal(heard, want) {
		t.Errorf("heard %v, want %v", heard, want)
	}
	if len(descs) != 3 {
		t.Errorf("the map came with %v, want a segment and two ends of doorbells", descs)
	}
	s.hangup(victim, errors.New("the end"))
	rest()
	if len(s.segments)+len(s.bells) > 0 || s.Stat().Used > 0 {
		t.Errorf("%d segments left", len(s.segments))
	}
}
