package negotiation

import (
	"fmt"
	"strings"

	"cutthrough/model/catalog"
)

var messageNames = [...]string{
	MsgConnect: "connect", MsgAcceptReply: "accept-reply ok", MsgReject: "accept-reply refused", MsgDisconnect: "disconnect",
	MsgFin: "disconnect for writing", MsgConfirm: "disconnect-reply", MsgUnmapReply: "unmap-reply", MsgUnbind: "unbind",
	MsgDetach: "detach", MsgEnd: "(end of the channel)", MsgMap: "map", MsgUnmap: "unmap", MsgAccept: "accept",
	MsgConnected: "connect-reply ok", MsgRefused: "connect-reply refused", MsgClosed: "disconnect", MsgReset: "reset",
	MsgFinished: "disconnect for writing",
}

// String returns the message as charts show it: s0.1 is the session with generation 1 in slot
// 0, g0 the segment in slot 0, @2 place 2.
func (m Message) String() string {
	name := messageNames[m.Kind()]
	switch m.Kind() {
	case MsgConnect, MsgUnbind, MsgDetach, MsgEnd, MsgRefused:
		return name
	case MsgMap:
		return fmt.Sprintf("%s g%d @%d", name, m.Segment(), m.Number())
	case MsgUnmap, MsgUnmapReply:
		return fmt.Sprintf("%s g%d", name, m.Segment())
	case MsgAccept, MsgConnected:
		return fmt.Sprintf("%s s%d.%d in g%d, reads %d", name, m.Slot(), m.Gen(), m.Segment(), m.Number())
	}
	return fmt.Sprintf("%s s%d.%d", name, m.Slot(), m.Gen())
}

// Columns implements [catalog.Model]. The layer is the last.
func (m *Model) Columns() []string {
	return append(append([]string(nil), appNames[:m.apps]...), "layer")
}

// Lines implements [catalog.Model]: what is taken, and what is sent because of it.
func (m *Model) Lines(s State, action int, t State) []catalog.Line {
	layer := m.apps
	var lines []catalog.Line
	column := layer
	for a := range m.apps {
		switch action {
		case m.numbers[actTake+a]:
			lines = append(lines, catalog.At(layer, "takes "+s.up[a][0].String()))
		case m.numbers[actHear+a]:
			column = a
			lines = append(lines, catalog.At(a, "hears "+s.down[a][0].String()))
		}
	}
	for a := range m.apps {
		for _, msg := range added(&s.up[a], &t.up[a]) {
			lines = append(lines, catalog.Arrow(a, layer, msg.String()))
		}
		for _, msg := range added(&s.down[a], &t.down[a]) {
			lines = append(lines, catalog.Arrow(layer, a, msg.String()))
		}
	}
	if len(lines) == 0 {
		name := m.names[action]
		for a := range m.apps {
			if rest, ok := strings.CutPrefix(name, appNames[a]+" "); ok {
				column, name = a, rest
			}
		}
		lines = append(lines, catalog.At(column, name))
	}
	return lines
}

// added returns the messages of q that are new since p: some may have been taken.
func added(p, q *queue) []Message {
	n := 0
	for n < len(p) && p[n] != 0 {
		n++
	}
	for taken := 0; taken <= n; taken++ {
		rest := p[taken:n]
		ok := true
		for i, msg := range rest {
			ok = ok && q[i] == msg
		}
		if !ok {
			continue
		}
		var out []Message
		for i := len(rest); i < len(q) && q[i] != 0; i++ {
			out = append(out, q[i])
		}
		return out
	}
	return nil
}

var (
	sessionStates = [...]string{free: "free", pending: "pending", ready: "ready", ending: "closing"}
	segmentStates = [...]string{live: "live", retiring: "closing"}
	appStates     = [...]string{left: "left", dead: "dead", gone: "gone", cut: "cut off", adrift: "without a layer"}
	ofLayer       = [...]string{"", " of the old layer"}
	sideNames     = [...]string{client: "C", server: "S"}
)

// Describe implements [check.Describer]: what is not as it was at the beginning.
func (m *Model) Describe(s State) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	for i := range s.sessions {
		if x := &s.sessions[i]; x.state != free {
			add("s%d.%d %s of %s in g%d%s%s", i, x.gen, sessionStates[x.state], appNames[x.client], x.segment,
				x.side(client), x.side(server))
		}
	}
	for i := range s.segments {
		if g := &s.segments[i]; g.state != free {
			add("g%d %s @%d told %s", i, segmentStates[g.state], g.place, sides(g.told))
		}
	}
	for a := range m.apps {
		p := &s.apps[a]
		if p.state != attached {
			add("%s %s", appNames[a], appStates[p.state])
		}
		for e, at := range p.at[:1+s.epoch] {
			for i, v := range at.views {
				if v.state != unused {
					add("%s uses s%d.%d", appNames[a], i, v.gen)
				}
			}
			for i, place := range at.mapped {
				if place != 0 {
					add("%s has g%d%s mapped @%d", appNames[a], i, ofLayer[s.epoch-uint8(e)], place-1)
				}
			}
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, "; ")
}

func (x *session) side(r int) string {
	text := ""
	for bit, name := range [...]string{"told", "fin", "closing", "done", "hurried"} {
		if x.sides[r]&(1<<bit) != 0 && name != "hurried" {
			text += " " + sideNames[r] + ":" + name
		}
	}
	return text
}

func sides(bits uint8) string {
	text := ""
	for r, name := range sideNames {
		if bits&(1<<r) != 0 {
			text += name
		}
	}
	if text == "" {
		return "none"
	}
	return text
}
