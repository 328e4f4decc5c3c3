package valloc

import (
	"fmt"
	"strings"

	"cutthrough/model/catalog"
)

// Actions implements [check.Model].
func (m *Model) Actions() []string {
	all := []string{aCreate: "create", aClose: "close"}
	ops := []string{opTell: "tell to map", opMap: "map", opUnmap: "unmap", opAck: "take acknowledgement"}
	for i := range m.Segments {
		ops = append(ops, fmt.Sprintf("tell to unmap %d", i))
	}
	if m.Death {
		ops = append(ops, "die", "replace")
	}
	for p := range m.Processes {
		for _, op := range ops {
			all = append(all, fmt.Sprintf("process %d: %s", p, op))
		}
	}
	return all
}

// Columns implements [catalog.Model].
func (m *Model) Columns() []string {
	names := []string{"layer"}
	for p := range m.Processes {
		names = append(names, fmt.Sprintf("process %d", p))
	}
	return names
}

// Lines implements [catalog.Model].
func (m *Model) Lines(s State, action int, t State) []catalog.Line {
	return []catalog.Line{m.line(&s, action, &t)}
}

func (m *Model) line(s *State, action int, t *State) catalog.Line {
	const layer = 0
	for i := range t.segments { // of those that changed
		g, was := &t.segments[i], &s.segments[i]
		switch {
		case action == aCreate && *g != *was:
			return catalog.At(layer, fmt.Sprintf("segment %d: %v in %v", i,
				span{g.place.at + g.offset, g.size}, g.place))
		case action == aClose && *g != *was:
			return catalog.At(layer, fmt.Sprintf("closes %d%s", i, freeText(was, g)))
		}
	}
	p, op := (action-aProcess)/m.ops(), (action-aProcess)%m.ops()
	q := &s.processes[p]
	process := 1 + p
	switch {
	case op == opTell:
		i := 0
		for s.segments[i].told == t.segments[i].told {
			i++
		}
		return catalog.Arrow(layer, process, fmt.Sprintf("map %d", i))
	case op >= opAsk && op < m.opDie():
		return catalog.Arrow(layer, process, fmt.Sprintf("unmap %d", op-opAsk))
	case op == opMap && q.stray != 0:
		return catalog.At(process, fmt.Sprintf("maps %d: the memory of an earlier %d", q.in[0].segment-1, q.stray-1))
	case op == opMap:
		return catalog.At(process, fmt.Sprintf("maps %d", q.in[0].segment-1))
	case op == opUnmap && q.late != 0 && t.processes[p].late == 0:
		return catalog.At(process, fmt.Sprintf("unmaps %d", q.late-1))
	case op == opUnmap && t.processes[p].late != 0:
		return catalog.Arrow(process, layer, fmt.Sprintf("has unmapped %d: not yet", q.in[0].segment-1))
	case op == opUnmap:
		return catalog.Arrow(process, layer, fmt.Sprintf("has unmapped %d", q.in[0].segment-1))
	case op == opAck:
		i := q.out[0] - 1
		return catalog.At(layer, fmt.Sprintf("%d has unmapped %d%s", p, i, freeText(&s.segments[i], &t.segments[i])))
	case op == m.opDie():
		return catalog.At(process, "dies")
	}
	return catalog.At(layer, fmt.Sprintf("%d has died", p))
}

func freeText(was, is *segment) string {
	if was.state != segFree && is.state == segFree {
		return fmt.Sprintf(", frees %v", was.place)
	}
	return ""
}

// String returns the range as its first unit and the one behind its last.
func (s span) String() string { return fmt.Sprintf("[%d,%d)", s.at, s.end()) }

// Describe implements [check.Describer].
func (m *Model) Describe(s State) string {
	var b strings.Builder
	b.WriteString("free")
	for _, f := range s.free {
		if f.n > 0 {
			fmt.Fprintf(&b, " %v", f)
		}
	}
	for i := range s.segments {
		g := &s.segments[i]
		if g.state != segFree {
			fmt.Fprintf(&b, "; segment %d %s %v", i, [...]string{segLive: "live", segClosing: "closing"}[g.state], g.place)
		}
	}
	for p := range m.Processes {
		q := &s.processes[p]
		fmt.Fprintf(&b, "; process %d", p)
		if q.dead {
			b.WriteString(" is dead")
		}
		for i, units := range q.maps {
			if units != 0 {
				fmt.Fprintf(&b, " has %d", i)
			}
		}
	}
	return b.String()
}
