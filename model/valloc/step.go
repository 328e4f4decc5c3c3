package valloc

// Op is what a step of the machine is.
type Op int

// The steps. Of the layer alone are OpCreate and OpClose; the others concern a process.
const (
	OpCreate Op = iota // it makes a segment
	OpClose            // and is done with it
	OpTell             // it tells a process to map a segment
	OpAsk              // and to unmap it
	OpAck              // and takes the acknowledgement
	OpMap              // the process maps
	OpUnmap            // and unmaps, and acknowledges
	OpDie              // it dies
	OpNotice           // the layer learns of that, and a new process takes its place
)

// Step is what a step is, which process it concerns, and which segment. What concerns no process, or all
// segments, has 0 there.
type Step struct {
	Op               Op
	Process, Segment int
}

// Op returns what an action is, and which process it concerns.
func (m *Model) Op(action int) (Op, int) {
	switch action {
	case aCreate:
		return OpCreate, 0
	case aClose:
		return OpClose, 0
	}
	p, op := (action-aProcess)/m.ops(), (action-aProcess)%m.ops()
	switch {
	case op >= opAsk && op < m.opDie():
		return OpAsk, p
	case op == m.opDie():
		return OpDie, p
	case op == m.opNotice():
		return OpNotice, p
	}
	return [...]Op{opTell: OpTell, opMap: OpMap, opUnmap: OpUnmap, opAck: OpAck}[op], p
}

// Step returns what the step from s to t by an action is.
func (m *Model) Step(s State, action int, t State) Step {
	op, p := m.Op(action)
	x := Step{Op: op, Process: p}
	q := &s.processes[p]
	switch op {
	case OpCreate, OpClose, OpTell:
		for s.segments[x.Segment] == t.segments[x.Segment] {
			x.Segment++
		}
	case OpAsk:
		x.Segment = (action-aProcess)%m.ops() - opAsk
	case OpAck:
		x.Segment = int(q.out[0]) - 1
	case OpUnmap:
		x.Segment = int(q.in[0].segment) - 1
		if q.late != 0 && t.processes[p].late == 0 {
			x.Segment = int(q.late) - 1
		}
	case OpMap:
		x.Segment = int(q.in[0].segment) - 1
	}
	return x
}

// Segment is what is known of a segment. The zero value is that of one that is not there.
type Segment struct {
	There, Closing bool
	At, Units      uint8 // its place in the address space
	Told, Asked    uint8 // the processes that were told to map it, and to unmap it, as bits
}

// Segment returns what is known of a segment.
func (s State) Segment(i int) Segment {
	g := &s.segments[i]
	return Segment{g.state != segFree, g.state == segClosing, g.place.at, g.place.n, g.told, g.asked}
}

// Maps says whether a process has mapped a segment.
func (s State) Maps(p, segment int) bool { return s.processes[p].maps[segment] != 0 }

// Dead says whether a process has died, and the layer does not know it yet.
func (s State) Dead(p int) bool { return s.processes[p].dead }
