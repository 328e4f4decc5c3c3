// Package negotiation is the machine of the session layer and its applications: one server
// with a listener, clients that connect to it, a channel of messages in order in each direction
// between each of them and the layer, and the segments that the layer places and tells them to
// map. docs/PROTOCOL.md describes the protocol; the words are the same here.
//
// An application may do what the protocol allows: it may close, half-close, confirm, reject,
// unbind, detach and die at any time. With Rude it also sends messages against the protocol, about
// sessions of its own, of others, or that are over. The layer takes one message to its end before
// the next.
//
// With Restart the layer dies, once, and another one takes its place. Applications go on with the sessions that they have,
// in the memory that both sides see, and attach to the next layer.
//
// # Files
//
// negotiation.go has the state, next.go the steps: those of applications are in app.go, those of the
// layer in layer.go and segments.go, the death of the layer and what follows from it in restart.go and
// ends.go. claims.go names the properties, properties.go, agreement.go and restart_properties.go
// define them. observe.go says what can be seen of a step from outside. session.go is the machine of
// one session alone as a layer has it, sides.go as its applications do.
//
// # Variants
//
// A variant is an if at the step that it breaks, with [catalog.Set.Has]. Separate tables of steps were
// considered: most of the mistakes change one condition in the middle of a rule, so a table would
// repeat the rule around it, and a later change of the rule would have to be made twice. Patches, as
// for the real code, would need one program for each variant, and could not be combined as seed2018
// combines 22 of them. An if costs the reader a name that variants.go explains in a sentence.
//
// # What is left out
//
// Names and scopes (one listener, one address), the bytes (package signal), events between
// applications (package evq), sizes of memory (a segment holds a number of sessions, a place one
// segment; package valloc has ranges), quotas, backlogs, replies to requests other than connect, and
// the answer to a map, which changes nothing unless it is negative. Generations are modulo four, which
// is enough as long as fewer messages about one slot are under way. Of the death of the layer: the time
// until there is another one, a second death, and half-closes in memory.
package negotiation

import (
	"errors"
	"fmt"

	"cutthrough/model/catalog"
)

// The largest configuration. Application 0 is the server.
const (
	maxApps     = 3
	maxSessions = 3
	maxSegments = 3
)

// Config says how many applications there are and how often they may do what. The zero value is
// not valid.
type Config struct {
	Clients  uint8 // 1 or 2
	Connects uint8 // that each client makes, 1 to 3
	Sessions uint8 // slots for sessions, 1 to 3
	Segments uint8 // slots for segments, and places for them, 1 to 3
	Each     uint8 // sessions that fit in one segment, 1 to 3
	Deaths   uint8 // applications that die, in all
	Detaches uint8 // times that applications detach or come back, in all
	Rude     uint8 // messages against the protocol, in all
	Half     bool  // sessions may be half-closed
	Unbind   bool  // the server may unbind
	Fail     bool  // segments may fail to be created
	Silent   bool  // the server may never answer an accept
	Timeouts bool  // connects and closes may time out
	Linger   bool  // segments outlive their last session for a while
	Restart  bool  // the layer may die, once; then there is another one
	Safety   bool  // leave out what must come to pass: it takes several times the memory
}

// ErrConfig is what is wrong with a configuration.
var ErrConfig = errors.New("negotiation: bad configuration")

func (c Config) check() error {
	for _, f := range []struct {
		name     string
		n        uint8
		min, max uint8
	}{
		{"clients", c.Clients, 1, maxApps - 1}, {"connects", c.Connects, 1, 3}, {"sessions", c.Sessions, 1, maxSessions},
		{"segments", c.Segments, 1, maxSegments}, {"sessions in a segment", c.Each, 1, 3},
		{"deaths", c.Deaths, 0, 3}, {"detaches", c.Detaches, 0, 3}, {"rude messages", c.Rude, 0, 3},
	} {
		if f.n < f.min || f.n > f.max {
			return fmt.Errorf("%w: %d %s (%d to %d)", ErrConfig, f.n, f.name, f.min, f.max)
		}
	}
	if c.Rude > 0 && c.Restart { // it may have ended a session for the layer and go on in it
		return fmt.Errorf("%w: messages against the protocol and a layer that dies", ErrConfig)
	}
	return nil
}

// Configs returns the configurations of the catalog.
func Configs() []catalog.Config[Config] {
	return []catalog.Config[Config]{
		{Name: "small", Doc: "a client that connects twice, half-closes; the server rejects and unbinds",
			Value: Config{Clients: 1, Connects: 2, Sessions: 2, Segments: 2, Each: 1, Half: true, Unbind: true}},
		{Name: "death", Doc: "a client that connects twice; either side dies or detaches and comes back",
			Value: Config{Clients: 1, Connects: 2, Sessions: 1, Segments: 2, Each: 1, Deaths: 1, Detaches: 2}},
		{Name: "rude", Doc: "two clients with one session each; one message against the protocol",
			Value: Config{Clients: 2, Connects: 1, Sessions: 2, Segments: 2, Each: 2, Rude: 1, Safety: true}},
		{Name: "silent", Doc: "a server that may never answer, and connect and close timeouts",
			Value: Config{Clients: 1, Connects: 2, Sessions: 1, Segments: 1, Each: 1, Silent: true, Timeouts: true}},
		{Name: "fail", Doc: "a client that connects twice; memory may be short",
			Value: Config{Clients: 1, Connects: 2, Sessions: 2, Segments: 1, Each: 1, Fail: true}},
		{Name: "shared", Doc: "two sessions in one segment that lingers",
			Value: Config{Clients: 1, Connects: 3, Sessions: 2, Segments: 1, Each: 2, Linger: true}},
		{Name: "return", Doc: "a client that connects twice; either side detaches and comes back, the server unbinds",
			Value: Config{Clients: 1, Connects: 2, Sessions: 2, Segments: 2, Each: 2, Detaches: 2, Unbind: true}},
		{Name: "medium", Doc: "two clients that connect twice, one death",
			Value: Config{Clients: 2, Connects: 2, Sessions: 2, Segments: 2, Each: 1, Deaths: 1, Safety: true}},
		{Name: "restart", Doc: "a client that connects twice; the layer dies, and there is another one",
			Value: Config{Clients: 1, Connects: 2, Sessions: 2, Segments: 2, Each: 1, Restart: true}},
		{Name: "restart-silent", Doc: "the layer dies, and the server may never answer; connect and close timeouts",
			Value: Config{Clients: 1, Connects: 2, Sessions: 1, Segments: 1, Each: 1, Silent: true, Timeouts: true, Restart: true}},
		{Name: "restart-death", Doc: "the layer dies, and a side dies, or leaves, or comes back",
			Value: Config{Clients: 1, Connects: 2, Sessions: 1, Segments: 1, Each: 1, Deaths: 1, Detaches: 1, Restart: true}},
		{Name: "restart-medium", Doc: "two clients with one session each; the layer dies, and an application",
			Value: Config{Clients: 2, Connects: 1, Sessions: 2, Segments: 2, Each: 1, Deaths: 1, Restart: true, Safety: true}},
		{Name: "restart-full", Doc: "the layer dies; half-closes, an unbind, short memory, a segment with two sessions that lingers",
			Value: Config{Clients: 1, Connects: 2, Sessions: 2, Segments: 1, Each: 2, Half: true, Unbind: true, Fail: true, Linger: true,
				Restart: true}},
		{Name: "restart-nightly", Doc: "two clients that connect twice; the layer dies",
			Value: Config{Clients: 2, Connects: 2, Sessions: 2, Segments: 2, Each: 1, Restart: true, Safety: true}},
		{Name: "nightly", Doc: "two clients that connect twice, sessions that share segments, two deaths; safety only",
			Value: Config{Clients: 2, Connects: 2, Sessions: 2, Segments: 2, Each: 2, Deaths: 2, Safety: true}},
	}
}

// The sides of a session.
const (
	client = iota
	server
)

// Bits that the layer keeps for each side of a session.
const (
	told    = 1 << iota // it has been told of the session, and uses it until it is done
	fin                 // it has closed its writing direction
	closing             // it has been told that the peer is done
	done                // it uses nothing of the session any more
	hurried             // it was reset: there is no close timeout, or it is over
)

// States of a session.
const (
	free uint8 = iota
	pending
	ready
	ending
)

// session is what the layer knows of a session. A free one has only its generation.
type session struct {
	state   uint8
	gen     uint8
	client  uint8 // the application
	segment uint8
	sides   [2]uint8
	replied uint8 // times that the connect was answered, up to 2
}

// States of a segment.
const (
	live     = 1 // sessions lie in it, or may
	retiring = 2 // the sides that were told to map it are told to unmap it
)

// segment is what the layer knows of a segment.
type segment struct {
	state     uint8
	client    uint8
	place     uint8
	told      uint8 // bits of sides: told to map
	unmapping uint8 // bits of sides: told to unmap
	left      uint8 // 0, or the number of a pair that one has left, while it is live: no new session comes here
}

// States of an application.
const (
	attached uint8 = iota
	left           // it has said so; the layer may not have heard yet
	dead           // its channel has ended; the layer may not have heard yet
	gone           // the layer knows
	cut            // its layer has died, and it has not noticed
	adrift         // it has noticed, and has not attached to the next layer
)

// What an application knows of a session.
const (
	unused uint8 = iota
	used
	usedAlone // the peer is done
)

// States of a side of a session, in the memory that both sides see.
const (
	idle uint8 = iota // it has not opened the session
	open
	over // it is done, or has died
)

// Sides are the states of the two sides of a session.
type Sides [2]uint8

// alone says whether a side has its session alone: the other side is done with it, or has not opened it.
func (x *Sides) alone(r int) bool { return x[1-r] != open }

// ends are the sides of the session in a slot. The client is 0 where there is no session.
type ends struct {
	client uint8
	sides  Sides
}

// view is what an application knows of a session slot.
type view struct {
	state, gen, segment uint8
	reads               uint8 // the fifo that it reads, 1 or 2
	fin                 bool
	late                bool // it has been silent, and then accepted
}

// attachment is what an application has of one layer.
type attachment struct {
	places uint8              // bits: where it has something mapped
	mapped [maxSegments]uint8 // 1 + place, by segment slot; 0 if not mapped
	views  [maxSessions]view
}

// app is an application.
type app struct {
	state    uint8
	rude     bool // it has itself to blame for what happens to it
	waiting  bool // for the reply to a connect
	connects uint8
	at       [2]attachment // by epoch of the layer
}

// State is one state of the machine.
type State struct {
	up, down [maxApps]queue
	apps     [maxApps]app
	sessions [maxSessions]session
	segments [maxSegments]segment
	ends     [maxSessions]ends // of the sessions of the first layer, if it may die
	epoch    uint8             // how many layers have died
	bound    bool              // the listener, as the layer knows it
	unbound  bool              // the server has unbound it
	deaths   uint8
	detaches uint8
	rude     uint8
	full     bool  // a queue was too short: the step does not exist
	bad      uint8 // what has gone wrong
}

// Model is the machine in one configuration.
type Model struct {
	Config
	apps     int
	variants catalog.Set
	names    []string
	numbers  [numActions]int // of actions in names; -1 of those that this configuration has not
}

// Name implements [check.Model].
func (m *Model) Name() string {
	c := m.Config // without Safety: two searches that differ in that have the same states
	name := fmt.Sprintf("negotiation clients=%d connects=%d sessions=%d segments=%d each=%d",
		c.Clients, c.Connects, c.Sessions, c.Segments, c.Each)
	for _, n := range []struct {
		n    uint8
		name string
	}{{c.Deaths, "deaths"}, {c.Detaches, "detaches"}, {c.Rude, "rude"}} {
		if n.n > 0 {
			name += fmt.Sprintf(" %s=%d", n.name, n.n)
		}
	}
	for _, flag := range []struct {
		set  bool
		name string
	}{
		{c.Half, " half"}, {c.Unbind, " unbind"}, {c.Fail, " fail"}, {c.Silent, " silent"},
		{c.Timeouts, " timeouts"}, {c.Linger, " linger"}, {c.Restart, " restart"},
	} {
		if flag.set {
			name += flag.name
		}
	}
	return name + m.variants.String()
}

// Init implements [check.Model]. All have attached, and the server listens.
func (m *Model) Init() []State {
	s := State{bound: true}
	for a := range s.apps {
		if a >= m.apps {
			s.apps[a].state = gone
		} else if a > 0 {
			s.apps[a].connects = m.Connects
		}
	}
	return []State{s}
}

// all says whether f is true of every session.
func (s *State) all(f func(*session) bool) bool {
	for i := range s.sessions {
		if x := &s.sessions[i]; x.state != free && !f(x) {
			return false
		}
	}
	return true
}

// application returns the application at a side.
func (x *session) application(r int) uint8 {
	if r == server {
		return 0
	}
	return x.client
}

// application returns the application at a side.
func (x *ends) application(r int) uint8 {
	if r == server {
		return 0
	}
	return x.client
}

// role returns which side of its sessions an application is.
func role(a int) int {
	if a == 0 {
		return server
	}
	return client
}

// away says whether the layer has nothing of an application, as far as it knows.
func (p *app) away() bool { return p.state >= gone }

// hears says whether an application has a channel, as far as it knows.
func (p *app) hears() bool { return p.state == attached || p.state == cut }

// uses says whether an application uses a session of a layer.
func (p *app) uses(epoch int) bool { return p.at[epoch].views != [maxSessions]view{} }

// now returns what an application has of the layer whose channel it has.
func (s *State) now(a int) *attachment {
	if s.apps[a].state == cut {
		return &s.apps[a].at[0]
	}
	return &s.apps[a].at[s.epoch]
}
