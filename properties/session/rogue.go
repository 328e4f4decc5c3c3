package session

import (
	"strings"
	"time"

	"cutthrough/impl/wire"
	"cutthrough/properties/oracle"
	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/scenario"
)

var (
	nameRogueEnd = shm.NewName("rogue.end")
)

// rogueModes are the ways in which the hostile application answers notifications: as it should; each twice; each with
// an error, except accepts; never; and never, because it does not read.
var rogueModes = []string{"fair", "twice", "negative", "silent", "deaf"}

// lie is an operation of the hostile application: a message about an object with a handle, which it may have made up.
type lie struct {
	message                 wire.Message
	kind, index, generation int
}

// lies are the messages of lies, in the order in which generators draw them, and the kind of object that each is about.
var lies = []struct {
	verb    string
	about   wire.Kind
	message wire.Message
}{
	{"reject", wire.KindSession, wire.Message{Type: wire.AcceptReply, Status: wire.Refused}},
	{"close", wire.KindSession, wire.Message{Type: wire.Disconnect}},
	{"accept", wire.KindSession, wire.Message{Type: wire.AcceptReply}},
	{"reset", wire.KindSession, wire.Message{Type: wire.Reset}},
	{"confirm", wire.KindSession, wire.Message{Type: wire.DisconnectReply}},
	{"shut", wire.KindSession, wire.Message{Type: wire.Disconnect, CloseMode: wire.CloseWrite}},
	{"unlisten", wire.KindListener, wire.Message{Type: wire.Unbind}},
	{"unmapped", wire.KindSegment, wire.Message{Type: wire.UnmapReply}},
	{"unmappable", wire.KindSegment, wire.Message{Type: wire.MapReply, Status: wire.NoMemory}},
}

// rogueVerbs are the operations of the hostile application. It does not use port 1.
func rogueVerbs() scenario.Verbs {
	procs := []string{"rogue"}
	verbs := scenario.Verbs{
		scenario.VerbOf("listen", procs, listen{}, scenario.Number("port", 2, maxPort, func(o *listen) *int { return &o.port })),
		scenario.VerbOf("dial", procs, dial{}, scenario.Number("port", 2, maxPort, func(o *dial) *int { return &o.port })),
		scenario.VerbOf("detach", procs, detach{}),
		scenario.VerbOf("wait", procs, wait{}, scenario.Number("minutes", 1, maxMinutes, func(o *wait) *int { return &o.minutes })),
	}
	for _, l := range lies {
		verbs = append(verbs, scenario.VerbOf(l.verb, procs, lie{message: l.message},
			scenario.Number("kind", 1, 5, func(o *lie) *int { return &o.kind }),
			scenario.Number("index", 0, 9, func(o *lie) *int { return &o.index }),
			scenario.Number("generation", 1, 9, func(o *lie) *int { return &o.generation })))
	}
	return verbs
}

// rogueOp is an operation of the hostile application.
type rogueOp interface{ say(x *rogue) }

func (o listen) say(x *rogue) { x.say(wire.Message{Type: wire.Bind, URI: uriOf(o.port)}) }
func (o dial) say(x *rogue)   { x.say(wire.Message{Type: wire.Connect, URI: uriOf(o.port)}) }
func (detach) say(x *rogue)   { x.say(wire.Message{Type: wire.Detach}) }
func (o wait) say(x *rogue)   { x.h.Sleep(x.h.Now() + time.Duration(o.minutes)*time.Minute) }

func (o lie) say(x *rogue) {
	m := o.message
	m.Handle = wire.Handle(o.kind)<<60 | wire.Handle(o.generation)<<32 | wire.Handle(o.index)
	x.say(m)
}

// rogue is an application that sends any message to the session layer, without the library. It may disturb no other
// application, except in a session with it.
type rogue struct {
	h       *sim.Process
	id      int
	mode    string
	mon     *oracle.Messages
	conn    shm.Conn
	end     shm.Doorbell
	leave   bool
	context uint64
	spoils  spoils // of a vandal, liar or flooder
}

func (x *rogue) run(ops []rogueOp) {
	conn, err := x.h.Dial(layerAddr, shm.Forever)
	if err != nil {
		return
	}
	x.conn, x.context = conn, uint64(x.id)<<32 // the monitor finds the application in the request id
	x.say(wire.Message{Type: wire.Attach, Scope: wire.ScopeLocal | wire.ScopeGlobal})
	if x.mode != "deaf" {
		x.h.Go("rogue-reads", x.read)
	}
	for _, o := range ops {
		o.say(x)
	}
	for !x.leave {
		_ = x.end.Wait(nil, shm.Forever)
	}
	x.mon.Gone(x.id)
	_ = conn.Close()
}

// dismiss ends the application when all others have ended. It returns false if that has happened before.
func (x *rogue) dismiss() bool {
	if x.leave || x.h.Dead() {
		return false
	}
	x.leave = true
	_ = x.end.Ring()
	return true
}

func (x *rogue) say(m wire.Message) {
	x.context++
	m.RequestID = x.context
	_ = x.conn.Send(m.Encode(nil), nil, shm.Forever)
}

// read answers the notifications of the session layer as the mode says.
func (x *rogue) read() {
	defer x.spoils.drop()
	buf := make([]byte, wire.MaxSize)
	for {
		n, descs, err := x.conn.Recv(buf, shm.Forever)
		if err != nil {
			return
		}
		m, err := wire.Decode(buf[:n])
		scenario.Must(err)
		if x.mode == vandal || x.mode == liar || x.mode == flooder {
			descs = x.spoils.keep(x.h, m, descs)
		}
		for _, d := range descs {
			_ = d.Close()
		}
		x.mon.Received(x.id, m)
		if x.mode == "silent" || strings.HasSuffix(m.Type.String(), "-reply") {
			continue
		}
		answer := wire.Message{Type: m.Type.Reply(), Handle: m.Handle}
		if x.mode == "negative" && m.Type != wire.Accept {
			answer.Status = wire.Invalid
		}
		x.say(answer)
		switch {
		case x.mode == "twice":
			x.say(answer)
		case x.mode == vandal && m.Type == wire.Accept:
			x.spoils.spoil(m)
		case x.mode == flooder && m.Type == wire.Accept:
			x.spoils.flood(m)
		}
	}
}
