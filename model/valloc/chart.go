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
	x := m.Step(*s, action, *t)
	i, process := x.Segment, 1+x.Process
	g, was := &t.segments[i], &s.segments[i]
	q := &s.processes[x.Process]
	switch x.Op {
	case OpCreate:
		return catalog.At(layer, fmt.Sprintf("segment %d: %v in %v", i, span{g.place.at + g.offset, g.size}, g.place))
	case OpClose:
		return catalog.At(layer, fmt.Sprintf("closes %d%s", i, freeText(was, g)))
	case OpTell:
		return catalog.Arrow(layer, process, fmt.Sprintf("map %d", i))
	case OpAsk:
		return catalog.Arrow(layer, process, fmt.Sprintf("unmap %d", i))
	case OpAck:
		return catalog.At(layer, fmt.Sprintf("%d has unmapped %d%s", x.Process, i, freeText(was, g)))
	case OpMap:
		if q.stray != 0 {
			return catalog.At(process, fmt.Sprintf("maps %d: the memory of an earlier %d", i, q.stray-1))
		}
		return catalog.At(process, fmt.Sprintf("maps %d", i))
	case OpUnmap:
		switch late := t.processes[x.Process].late; {
		case late != 0:
			return catalog.Arrow(process, layer, fmt.Sprintf("has unmapped %d: not yet", i))
		case q.late != 0:
			return catalog.At(process, fmt.Sprintf("unmaps %d", i))
		}
		return catalog.Arrow(process, layer, fmt.Sprintf("has unmapped %d", i))
	case OpDie:
		return catalog.At(process, "dies")
	}
	return catalog.At(layer, fmt.Sprintf("%d has died", x.Process))
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
