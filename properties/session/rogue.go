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

// lies has the message of each operation on an object; its arguments are kind, index and generation of the handle.
var lies = map[string]wire.Message{
	"accept":     {Type: wire.AcceptReply},
	"reject":     {Type: wire.AcceptReply, Status: wire.Refused},
	"close":      {Type: wire.Disconnect},
	"shut":       {Type: wire.Disconnect, CloseMode: wire.CloseWrite},
	"reset":      {Type: wire.Reset},
	"confirm":    {Type: wire.DisconnectReply},
	"unmapped":   {Type: wire.UnmapReply},
	"unmappable": {Type: wire.MapReply, Status: wire.NoMemory},
	"unlisten":   {Type: wire.Unbind},
}

// lieNames are the names of lies in the order in which generators draw them.
var lieNames = []string{"reject", "close", "accept", "reset", "confirm", "shut", "unlisten", "unmapped", "unmappable"}

// rogueVerbs are the operations of the hostile application. It does not use port 1.
func rogueVerbs() []scenario.Verb {
	procs := []string{"rogue"}
	verbs := []scenario.Verb{
		{Name: "listen", Procs: procs, Args: [][2]int{{2, 9}}},
		{Name: "dial", Procs: procs, Args: [][2]int{{2, 9}}},
		{Name: "detach", Procs: procs, Args: nil},
		{Name: "wait", Procs: procs, Args: [][2]int{{1, 60}}},
	}
	for _, name := range lieNames {
		verbs = append(verbs, scenario.Verb{Name: name, Procs: procs, Args: [][2]int{{1, 5}, {0, 9}, {1, 9}}})
	}
	return verbs
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
}

func (x *rogue) run(ops []scenario.Op) {
	conn, err := x.h.Dial(layerAddr)
	if err != nil {
		return
	}
	x.conn, x.context = conn, uint64(x.id)<<32 // the monitor finds the application in the request id
	x.say(wire.Message{Type: wire.Attach, Scope: wire.ScopeLocal | wire.ScopeGlobal})
	if x.mode != "deaf" {
		x.h.Go("rogue-reads", x.read)
	}
	for _, o := range ops {
		x.do(o)
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

func (x *rogue) do(o scenario.Op) {
	if m, ok := lies[o.Verb]; ok {
		m.Handle = wire.Handle(o.Args[0])<<60 | wire.Handle(o.Args[2])<<32 | wire.Handle(o.Args[1])
		x.say(m)
		return
	}
	switch o.Verb {
	case "listen":
		x.say(wire.Message{Type: wire.Bind, URI: uriOf(o.Args[0])})
	case "dial":
		x.say(wire.Message{Type: wire.Connect, URI: uriOf(o.Args[0])})
	case "detach":
		x.say(wire.Message{Type: wire.Detach})
	case "wait":
		x.h.Sleep(x.h.Now() + time.Duration(o.Args[0])*time.Minute)
	}
}

// read answers the notifications of the session layer as the mode says.
func (x *rogue) read() {
	buf := make([]byte, wire.MaxSize)
	for {
		n, descs, err := x.conn.Recv(buf, shm.Forever)
		if err != nil {
			return
		}
		for _, d := range descs {
			_ = d.Close()
		}
		m, err := wire.Decode(buf[:n])
		scenario.Must(err)
		x.mon.Received(x.id, m)
		if x.mode == "silent" || strings.HasSuffix(m.Type.String(), "-reply") {
			continue
		}
		answer := wire.Message{Type: m.Type.Reply(), Handle: m.Handle}
		if x.mode == "negative" && m.Type != wire.Accept {
			answer.Status = wire.Invalid
		}
		x.say(answer)
		if x.mode == "twice" {
			x.say(answer)
		}
	}
}

// genRogue draws a session of two applications that use the library, and a hostile application that a third one may
// connect to.
func genRogue(b *scenario.Builder) {
	size := sessionConfig(b, "none", "wake", "kill", "fail")
	mode := b.Word("rogue", rogueModes...)
	b.Op("srv", "listen", 1)
	b.Op("cli", "dial", 1)
	b.Op("srv", "accept", 1)
	n := 1 + b.Src.Intn(size, "bytes")
	b.Op("cli", "write", n)
	b.Op("srv", "read", n)
	b.Op("cli", "close")
	if b.Src.Intn(2, "listens") == 1 {
		b.Op("rogue", "listen", 2)
		for range 1 + b.Src.Intn(2, "victims") {
			b.Op("cli2", "dial", 2)
			if b.Src.Intn(2, "waits") == 1 {
				b.Op("cli2", "wait", 1)
			}
			b.Op("cli2", "close")
		}
		if b.Src.Intn(2, "outlasts") == 1 {
			b.Op("cli2", "wait", 20)
		}
	}
	lying := 1 + b.Src.Intn(5, "lies")
	if mode == "deaf" {
		lying += 8 // more replies than its channel holds
	}
	for range lying {
		kind := wire.KindSession
		name := lieNames[b.Src.Intn(len(lieNames), "lie")]
		switch {
		case strings.HasPrefix(name, "unmap"):
			kind = wire.KindSegment
		case name == "unlisten":
			kind = wire.KindListener
		}
		if b.Src.Intn(4, "wrong kind") == 3 {
			kind = wire.Kind(1 + b.Src.Intn(5, "kind"))
		}
		low := [...]int{0, 0, 1, 2} // what there is has low indices and generations
		b.Op("rogue", name, int(kind), low[b.Src.Intn(4, "index")], 1+low[b.Src.Intn(4, "generation")])
	}
	if b.Src.Intn(3, "ends a listener") == 2 { // its own, or that of srv
		b.Op("rogue", "unlisten", int(wire.KindListener), b.Src.Intn(2, "index"), 1)
	}
	if b.Src.Intn(4, "detaches") == 3 {
		b.Op("rogue", "detach")
		b.Op("rogue", lieNames[b.Src.Intn(len(lieNames), "lie")], int(wire.KindSession), b.Src.Intn(3, "index"), 1)
	}
}
