package layer

import (
	"fmt"
	"testing"

	"cutthrough/impl/wire"
)

// TestChosenPort: port 0 gets a port at which nothing listens, at whatever host, and not the one that was freed last.
func TestChosenPort(t *testing.T) {
	b := newBench(t, Config{})
	b.want("attach", b.attach(1, 7), wire.OK)
	bind := func(uri string) wire.Message { return b.say(1, wire.Message{Type: wire.Bind, URI: uri}) }
	port := func(r wire.Message) int { return int(r.Endpoint.Addr.Port()) }

	b.want("another host", bind(fmt.Sprintf("tcp://::1/%d", firstPort+1)).Status, wire.OK)
	first, second := bind("tcp://127.0.0.1/0"), bind("tcp://0.0.0.0/0")
	b.want("first", port(first), firstPort)
	b.want("second, whose turn is taken at another host", port(second), firstPort+2)
	b.want("of another protocol", port(bind("udp://127.0.0.1/0")), firstPort+3)
	b.want("with a name", bind("tcp://db/0").Endpoint.String(), fmt.Sprintf("tcp://db/%d", firstPort+4))
	b.say(1, wire.Message{Type: wire.Unbind, Handle: first.Handle})
	b.want("after an unbind", port(bind("tcp://127.0.0.1/0")), firstPort+5)
	b.l.lastPort = ports // the turn starts again
	b.want("in the next turn", port(bind("tcp://127.0.0.1/0")), firstPort)
	b.want("connect to port 0", b.say(1, wire.Message{Type: wire.Connect, URI: "tcp://127.0.0.1/0"}).Status, wire.Unsupported)
}

// TestChosenPortExhausted: when something listens at all ports, port 0 is in use.
func TestChosenPortExhausted(t *testing.T) {
	b := newBench(t, Config{})
	b.want("attach", b.attach(1, 7), wire.OK)
	e, _ := (&wire.Message{Type: wire.Bind, URI: "tcp://127.0.0.1/0"}).Target()
	a := b.l.apps.Get(b.l.channels[1].app)
	for p := range ports {
		b.l.ports[portOf(a.keys(e.WithPort(uint16(firstPort + p)))[0])] = 1
	}
	_, ok := b.l.choosePort(a, e)
	b.want("free", ok, false)
}

// TestCredentials: each side of a session is told of the process at the other side, also after it has attached anew, and
// both of the same serial, which no other session has.
func TestCredentials(t *testing.T) {
	b := newBench(t, Config{})
	peers := map[Channel]wire.Peer{1: {UID: 10, GID: 11, PID: 12}, 2: {UID: 20, GID: 21, PID: 22}}
	serials := map[uint64]bool{}
	for range 2 {
		for ch := range peers {
			if !b.l.Attached(ch) && b.said[ch] == nil {
				b.step(Event{Kind: EventOpen, Channel: ch, Peer: peers[ch]})
			}
			b.say(ch, wire.Message{Type: wire.Attach, Scope: wire.ScopeLocal})
			b.say(ch, wire.Message{Type: wire.Bind, URI: uri(ch)})
		}
		for range 2 {
			reply := b.connect(1, 2)
			accept := b.said[2][len(b.said[2])-2]
			b.want("accept", accept.Peer, peers[1])
			b.want("connect-reply", reply.Peer, peers[2])
			b.want("serial", accept.Serial, reply.Serial)
			b.want("serial seen before", serials[reply.Serial], false)
			serials[reply.Serial] = true
		}
		b.say(1, wire.Message{Type: wire.Detach})
		b.say(2, wire.Message{Type: wire.Detach})
	}
}

// TestNames: a name is found as it is, has no wildcard and needs no address of this machine.
func TestNames(t *testing.T) {
	b := newBench(t, Config{})
	b.want("attach", b.attach(1, 7), wire.OK)
	b.want("attach", b.attach(2, 7), wire.OK)
	for _, uri := range []string{"unix:///run/a", "tcp://db/80", "tcp://0.0.0.0/81"} {
		b.want(uri, b.say(1, wire.Message{Type: wire.Bind, URI: uri}).Status, wire.OK)
		b.want(uri+" again", b.say(2, wire.Message{Type: wire.Bind, URI: uri}).Status, wire.AddressInUse)
	}
	for uri, want := range map[string]wire.Type{"unix:///run/a": wire.Accept, "tcp://db/80": wire.Accept} {
		b.say(2, wire.Message{Type: wire.Connect, URI: uri})
		b.want(uri, b.said[1][len(b.said[1])-1].Type, want)
	}
	for _, uri := range []string{"unix:///run/b", "tcp://db/81", "tcp://web/80"} {
		b.want(uri, b.say(2, wire.Message{Type: wire.Connect, URI: uri}).Status, wire.WrongScope)
	}
}
