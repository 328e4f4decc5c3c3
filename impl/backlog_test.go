package impl

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"cutthrough/shm"
	"cutthrough/shm/oshost"
)

// stuckConn is the session layer's end of a channel that is full until the test says otherwise: then
// each Send asks open what to do.
type stuckConn struct {
	shm.Conn
	open chan func(msg Message, descs []shm.Desc) error
}

func (c *stuckConn) Send(b []byte, descs []shm.Desc, deadline time.Duration) error {
	if deadline != shm.Forever {
		return shm.ErrDeadline
	}
	m, err := Decode(b)
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

// TestPeerLeavesWhileMapWaits: the channel of an application is full when it is to be told of a segment and of its
// peer's doorbell. Meanwhile the peer dies and the doorbell is closed. The application did nothing wrong, so it is
// told of the segment all the same, with a doorbell that works.
func TestPeerLeavesWhileMapWaits(t *testing.T) {
	h := oshost.New()
	s := NewServer(h, nil, ServerConfig{Check: func(err error) { t.Error(err) }})
	stuck := &stuckConn{open: make(chan func(Message, []shm.Desc) error)}
	newChannel := func(id Channel, conn shm.Conn) *channel {
		bell, err := h.NewDoorbell(nameAppBell)
		check(t, err)
		c := &channel{id: id, conn: conn, bell: bell}
		s.channels[id] = c
		s.step(Event{Kind: EvOpen, Channel: id})
		return c
	}
	say := func(c *channel, m Message) { s.step(Event{Kind: EvMessage, Channel: c.id, Msg: m}) }

	s.mu.Lock()
	victim, peer := newChannel(1, stuck), newChannel(2, idleConn{})
	say(victim, Message{Kind: MsgAttach, Scope: ScopeLocal})
	say(victim, Message{Kind: MsgBind, URI: testURI})
	say(peer, Message{Kind: MsgAttach, Scope: ScopeLocal})
	say(peer, Message{Kind: MsgConnect, URI: testURI})
	s.mu.Unlock()

	var heard []Kind
	var descs []shm.Desc
	goes := func(m Message, ds []shm.Desc) error {
		heard, descs = append(heard, m.Kind), append(descs, ds...)
		return nil
	}
	dies := func(m Message, ds []shm.Desc) error {
		if m.Kind != MsgMap || ds[1] != peer.bell.Desc() {
			t.Errorf("%v with %v, want a map with the peer's doorbell", m, ds)
		}
		s.hangup(peer, errors.New("it died"))
		return fmt.Errorf("descriptor 1 is closed: %w", shm.ErrDesc)
	}
	for _, do := range []func(Message, []shm.Desc) error{goes, goes, dies, goes, goes, goes} {
		select {
		case stuck.open <- do:
		case <-time.After(liveness):
			t.Fatalf("heard %v and no more", heard)
		}
	}
	s.mu.Lock()
	for s.tasks > 0 {
		s.mu.Unlock()
		check(t, s.done.Wait(nil, h.Now()+liveness))
		s.mu.Lock()
	}
	s.mu.Unlock()
	if want := []Kind{MsgAttachReply, MsgBindReply, MsgMap, MsgAccept, MsgReset}; !slices.Equal(heard, want) {
		t.Errorf("heard %v, want %v", heard, want)
	}
	if len(descs) != 2 || descs[1] != victim.bell.Desc() {
		t.Errorf("the map came with %v, want the application's own doorbell", descs)
	}
	s.hangup(victim, errors.New("the end"))
	if len(s.segments) > 0 || !s.layer.space.empty() {
		t.Errorf("%d segments left", len(s.segments))
	}
}

// TestDoorbellOfLastAttach: an application that attaches again, after a refusal or a detach, may come with another doorbell;
// it is that one that its peers get.
func TestDoorbellOfLastAttach(t *testing.T) {
	addr := startLayer(t, ServerConfig{})
	r := rawConn(t, addr)
	r.send(Message{Kind: MsgAttach, Context: 1, Namespace: "nowhere"}, r.bell.Desc())
	r.want(MsgAttachReply)
	for range 2 {
		bell, err := r.host.NewDoorbell(nameAppBell)
		check(t, err)
		check(t, r.bell.Close())
		r.bell = bell
		r.attach()
		r.listen(testURI)

		client := rawApp(t, addr)
		client.send(Message{Kind: MsgConnect, Context: 3, URI: testURI})
		r.want(MsgAccept)
		r.send(Message{Kind: MsgAcceptReply, Handle: r.last.Handle})
		buf := make([]byte, MaxWire)
		_, descs, err := client.conn.Recv(buf, client.host.Now()+liveness)
		check(t, err)
		check(t, descs[0].Close())
		peer, err := client.host.OpenDoorbell(descs[1], namePeerBell)
		check(t, err)
		check(t, peer.Ring())
		if err := r.bell.Wait(nil, r.host.Now()+liveness); err != nil {
			t.Fatalf("the doorbell that the peer got is another: %v", err)
		}
		check(t, peer.Close())

		r.send(Message{Kind: MsgDetach, Context: 4})
		r.want(MsgDetachReply)
	}
}
