package agent

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"cutthrough/impl/wire"
	"cutthrough/internal/load"
	"cutthrough/shm"
)

// attack is an attack under way, in a process of its own.
type attack struct {
	socket string // of the session layer
	host   shm.Host
	rng    *rand.Rand
	done   atomic.Int64
	failed error // why the attack has ended
	over   chan struct{}
}

// attackKind is a kind of attack with what it does. Its step is called again and again; an error ends the attack, which is a failure of
// the campaign.
type attackKind struct {
	Kind
	step func(*attack) error
}

// Kind describes a kind of attack.
type Kind struct {
	Name string
	Unit string // what it does and counts
	Doc  string
}

// attacks are all kinds.
var attacks = []attackKind{
	{Kind{"busy", "million turns of a loop", "takes a processor, and nothing else: for comparison"}, (*attack).busy},
	{Kind{"garbage", "messages", "sends bytes that are no message, before and after it has attached"}, (*attack).garbage},
	{Kind{"silent", "connections", "keeps 400 connections and says nothing"}, (*attack).silent},
	{Kind{"half-open", "connections", "attaches, dials the server, and is gone before the answer"}, (*attack).halfOpen},
	{Kind{"storm", "connections", "connects and hangs up as fast as it can"}, (*attack).storm},
	{Kind{"descriptors", "messages", "sends nine descriptors a message, among them tcp sockets that linger"}, (*attack).descriptors},
	{Kind{"no-answer", "dials", "has 50 applications that dial the server and answer no map"}, (*attack).noAnswer},
	{Kind{"bells", "operations", "dials the server, and floods, empties, shuts down its ends of the doorbells"}, (*attack).bells},
	{Kind{"giant", "dials", "dials the server for sessions of 2 x 256 MiB, and resets them"}, (*attack).giant},
	{Kind{"words", "words", "dials the server, and writes random words all over the shared segment"}, (*attack).words},
}

// Attacks returns all kinds of attacks, in the order in which a campaign has them.
func Attacks() []Kind {
	var all []Kind
	for _, k := range attacks {
		all = append(all, k.Kind)
	}
	return all
}

// AttackCall asks for an attack on the session layer at a socket.
type AttackCall struct{ Name, Socket string }

// Attack begins an attack, which goes on until the process ends.
func (a *Agent) Attack(c AttackCall, _ *None) error {
	i := slices.IndexFunc(attacks, func(k attackKind) bool { return k.Name == c.Name })
	if i < 0 {
		return fmt.Errorf("no attack %q", c.Name)
	}
	x := &attack{socket: c.Socket, host: a.host, rng: rand.New(rand.NewPCG(uint64(load.Now()), 3)), over: make(chan struct{})}
	a.attack = x
	go func() {
		defer close(x.over)
		for x.failed == nil {
			x.failed = attacks[i].step(x)
		}
	}()
	return nil
}

// Done returns how often the attack did what it does. An attack that does nothing any more is an error.
func (a *Agent) Done(_ None, n *int64) error {
	*n = a.attack.done.Load()
	select {
	case <-a.attack.over:
		return a.attack.failed
	default:
	}
	if *n == 0 {
		return errors.New("the attack has done nothing")
	}
	return nil
}

// sink keeps the loop of busy from being left out.
var sink atomic.Int64

func (x *attack) busy() error {
	n := int64(0)
	for i := range int64(1_000_000) {
		n ^= i
	}
	sink.Store(n)
	x.done.Add(1)
	return nil
}

// garbage sends bytes that are no message until it is hung up.
func (x *attack) garbage() error {
	c, err := x.connect()
	if err != nil {
		return err
	}
	defer c.close()
	if x.rng.IntN(2) == 0 {
		c.say(wire.Message{Type: wire.Attach, Scope: wire.ScopeLocal})
	}
	for range 8 {
		b := make([]byte, 1+x.rng.IntN(600))
		for i := range b {
			b[i] = byte(x.rng.Uint32())
		}
		if x.rng.IntN(2) == 0 {
			copy(b, []byte{'C', 'T', wire.Version, byte(1 + x.rng.IntN(int(wire.NumTypes)))})
		}
		if c.send(b) != nil {
			return nil
		}
		x.done.Add(1)
	}
	return nil
}

// silent keeps connections, and replaces those that are hung up.
func (x *attack) silent() error {
	var kept []*channel
	for {
		c, err := x.connect()
		if err != nil {
			return err
		}
		x.done.Add(1)
		if kept = append(kept, c); len(kept) > 400 {
			kept[0].close()
			kept = kept[1:]
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// halfOpen is gone before the session that it asked for is there.
func (x *attack) halfOpen() error {
	c, err := x.connect()
	if err != nil {
		return err
	}
	c.say(wire.Message{Type: wire.Attach, Scope: wire.ScopeLocal})
	c.say(wire.Message{Type: wire.Connect, RequestID: 1, URI: URI})
	if x.rng.IntN(2) == 0 {
		_, _ = c.recv()
	}
	c.close()
	x.done.Add(1)
	return nil
}

func (x *attack) storm() error {
	c, err := x.connect()
	if err == nil {
		c.close()
		x.done.Add(1)
	}
	return err
}

// noAnswer has applications that dial and read nothing.
func (x *attack) noAnswer() error {
	var kept []*channel
	for {
		c, err := x.connect()
		if err != nil {
			return err
		}
		c.say(wire.Message{Type: wire.Attach, Scope: wire.ScopeLocal})
		for id := range uint64(10) {
			c.say(wire.Message{Type: wire.Connect, RequestID: id, URI: URI})
			x.done.Add(1)
		}
		if kept = append(kept, c); len(kept) > 50 {
			kept[0].close()
			kept = kept[1:]
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// giant dials for the largest sessions that there are, and resets those that it gets.
func (x *attack) giant() error {
	p, err := x.application()
	if err != nil {
		return err
	}
	defer p.close()
	for range 20 {
		ok, err := p.dial(wire.MaxFifo)
		x.done.Add(1)
		if err != nil {
			return nil // it was hung up
		}
		if ok {
			p.reset()
		}
	}
	return nil
}
