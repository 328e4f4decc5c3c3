package dpor

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/exec"
)

// verb is what an operation of a random program does.
type verb int

const (
	load verb = iota
	store
	add
	cas
	swap
	readRange
	writeRange
	locked   // adds to a word under a lock
	unlocked // takes a lock and keeps it
	ring
	wait
	tryWait
	waitTill
	send
	trySend
	recv
	tryRecv
	await
	call // a load that is an operation of a history
	sleep
	spawn  // a task that loads a word
	hangUp // closes a bell
	dial
	accept
	unmap
	create   // a segment
	knock    // rings a doorbell that ends with its ringers
	listen   // waits for it
	leave    // closes a ringing end
	hand     // sends a descriptor of a ringing end
	take     // receives one, rings and closes it
	part     // closes an end of a channel
	shutDoor // closes the listener
	openDoor // listens again
	verbs
)

var verbText = [verbs]string{"load", "store", "add", "cas", "swap", "read", "write", "locked", "keep", "ring", "wait", "trywait",
	"waittill", "send", "trysend", "recv", "tryrecv", "await", "call", "sleep", "spawn", "hangup", "dial", "accept", "unmap", "create", "knock",
	"listen", "leave", "hand", "take", "part", "shutdoor", "opendoor"}

// op is one operation, on one of two objects of its kind.
type op struct {
	verb verb
	on   int
	n    uint64
}

func (o op) String() string { return fmt.Sprintf("%s(%d,%d)", verbText[o.verb], o.on, o.n) }

// program is what each of its tasks does.
type program struct {
	tasks   [][]op
	always  bool
	depth   int
	procs   int
	history bool
}

func (p program) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "depth %d procs %d always %v history %v\n", p.depth, p.procs, p.always, p.history)
	for i, t := range p.tasks {
		fmt.Fprintf(&b, "  %d: %v\n", i, t)
	}
	return b.String()
}

// random returns a program of the verbs with at most so many operations.
func random(r *rand.Rand, of []verb, tasks, ops int) program {
	p := program{depth: 1 + r.IntN(2), procs: 1 + r.IntN(2), always: r.IntN(8) == 0}
	p.tasks = make([][]op, 2+r.IntN(tasks-1))
	for range len(p.tasks) + r.IntN(ops-len(p.tasks)+1) {
		i := r.IntN(len(p.tasks))
		o := op{of[r.IntN(len(of))], r.IntN(2), uint64(r.IntN(3))}
		p.tasks[i] = append(p.tasks[i], o)
	}
	return p
}

var (
	nameWord  = shm.NewName("word")
	nameBytes = shm.NewName("bytes")
	nameLock  = shm.NewName("lock")
	nameBell  = shm.NewName("bell")
)

// machine is a program that runs.
type machine struct {
	w   *sim.World
	p   *sim.Process
	all [2]mapped // of p and q
	mapped
	locks [2]interface {
		Lock()
		Unlock()
	}
	bells    [2]shm.Doorbell
	ends     [2][2]shm.Conn // of p and q, or of p
	door     shm.Listener
	seen     [5 * maxTasks][]string // what each task has seen
	children [maxTasks]int
	alwayss  map[string]bool // what a property that always holds has seen
}

// mapped is what a process has of its own.
type mapped struct {
	h      *sim.Process
	seg    *shm.Segment
	words  [2]shm.Uint64
	bytes  shm.Range
	bells  [2]shm.Doorbell
	ringer [2]shm.RingCloser
	waiter [2]shm.Doorbell // of p alone
	spare  [2]shm.Desc     // of p alone: ringing ends
}

func mapping(h *sim.Process, seg *shm.Segment) mapped {
	m := mapped{h: h, seg: seg, bytes: seg.Range(128, 64, nameBytes)}
	for i := range m.words {
		m.words[i] = seg.Uint64(64+8*uint64(i), nameWord)
	}
	return m
}

func (p program) config() sim.Config { return sim.Config{ChannelDepth: p.depth} }

func (p program) setup(m *machine, w *sim.World) {
	*m = machine{w: w, p: w.Process("p"), alwayss: m.alwayss}
	q := w.Process("q")
	seg := must(m.p.CreateSegment(shm.MinSegment))
	m.mapped = mapping(m.p, seg)
	m.all = [2]mapped{m.mapped, mapping(q, q.View(seg))}
	for i := range 2 {
		m.doorbell(i)
		m.locks[i] = m.p.NewLock(nameLock)
		m.bells[i] = m.p.NewLocalDoorbell(nameBell)
		m.all[0].bells[i], m.all[1].bells[i] = m.bells[i], q.NewLocalDoorbell(nameBell)
		m.ends[i][0], m.ends[i][1] = w.ConnPair(m.p, m.all[max(p.procs, 1)-1].h)
	}
	m.door = must(m.p.Listen("door"))
	if p.always {
		m.alwayss["0 0"] = true // as it is before the first step
		w.Always("Seen", func() error {
			m.alwayss[fmt.Sprint(m.words[0].Load(), m.words[1].Load())] = true
			return nil
		})
	}
	for i, ops := range p.tasks {
		if len(ops) == 0 {
			continue
		}
		m.all[i%p.procs].h.Go(fmt.Sprintf("t%d", i), func() {
			for _, o := range ops {
				m.do(i, i%p.procs, o)
			}
		})
	}
}

// doorbell makes the i-th doorbell, which ends when all its ringing ends have.
func (m *machine) doorbell(i int) {
	p, q := &m.all[0], &m.all[1]
	wait, ring, err := p.h.NewDoorbell()
	if err != nil {
		panic(err)
	}
	p.spare[i] = ring
	p.waiter[i] = must(p.h.OpenWaiter(wait, nameBell))
	p.ringer[i] = p.h.OpenBell(p.waiter[i], nameBell)
	q.ringer[i] = q.h.OpenBell(p.waiter[i], nameBell)
}

func (m *machine) see(task int, format string, args ...any) {
	m.seen[task] = append(m.seen[task], fmt.Sprintf(format, args...))
}

// do does an operation of a task of process at.
func (m *machine) do(task, at int, o op) {
	h := &m.all[at]
	x := h.words[o.on]
	switch o.verb {
	case load:
		m.see(task, "%d", x.Load())
	case store:
		x.Store(o.n)
	case add:
		m.see(task, "%d", x.Add(1+o.n))
	case cas:
		m.see(task, "%v", x.CompareAndSwap(o.n, o.n+1))
	case swap:
		m.see(task, "%d", x.Swap(o.n))
	case readRange:
		var b [4]byte
		h.bytes.CopyOut(b[:], uint64(o.on))
		m.see(task, "%v", b)
	case writeRange:
		h.bytes.CopyIn(uint64(o.on), []byte{byte(o.n), byte(task), 3, 4})
	case locked:
		m.locks[o.on].Lock()
		m.see(task, "%d", x.Add(1))
		m.locks[o.on].Unlock()
	case unlocked:
		m.locks[o.on].Lock()
	default:
		m.signal(task, at, o)
	}
}

func (m *machine) signal(task, at int, o op) {
	h := &m.all[at]
	x := h.words[o.on]
	switch o.verb {
	case ring:
		_ = h.bells[o.on].Ring()
	case wait:
		m.see(task, "%v", h.bells[o.on].Wait(nil, shm.Forever))
	case tryWait:
		m.see(task, "%v", h.bells[o.on].Wait(nil, 0))
	case waitTill:
		m.see(task, "%v", h.bells[o.on].Wait(nil, time.Duration(1+o.n)))
	case send:
		m.see(task, "%v", m.ends[o.on][task%2].Send([]byte{byte(task)}, nil, shm.Forever))
	case trySend:
		m.see(task, "%v", m.ends[o.on][task%2].Send([]byte{byte(task)}, nil, 0))
	case recv, tryRecv:
		deadline := shm.Forever
		if o.verb == tryRecv {
			deadline = 0
		}
		var b [4]byte
		_, _, err := m.ends[o.on][task%2].Recv(b[:], deadline)
		m.see(task, "%v %v", b, err)
	case await:
		m.see(task, "%d", h.h.Await(x, func(v uint64) bool { return v == o.n }))
	case call:
		id := m.w.Call("load")
		v := x.Load()
		m.w.Return(id, v)
	case sleep:
		h.h.Sleep(m.w.Now() + time.Duration(o.n))
		m.see(task, "%v", m.w.Now())
	case spawn:
		m.children[task]++
		child := maxTasks*m.children[task] + task
		h.h.Go(fmt.Sprintf("child of %d", task), func() { m.see(child, "child %d", x.Load()) })
	default:
		m.system(task, at, o)
	}
}

func (m *machine) system(task, at int, o op) {
	h := &m.all[at]
	if at == 1 && (o.verb == accept || o.verb == shutDoor || o.verb == openDoor) {
		o.verb = dial // the listener is p's
	}
	switch o.verb {
	case hangUp:
		m.see(task, "%v", h.bells[o.on].Close())
	case dial:
		_, err := h.h.Dial("door", 0)
		m.see(task, "%v", err)
	case accept:
		_, err := m.door.Accept(time.Duration(o.n) * (shm.Forever / 2))
		m.see(task, "%v", err)
	case unmap:
		if task == at { // one task of each process: Close is not for several
			m.see(task, "%v", h.seg.Close())
		}
	case create:
		_, err := h.h.CreateSegment(shm.MinSegment)
		m.see(task, "%v", err)
	case knock:
		m.see(task, "%v", h.ringer[o.on].Ring())
	case listen:
		if w := h.waiter[o.on]; w != nil {
			m.see(task, "%v", w.Wait(nil, time.Duration(o.n)*(shm.Forever/2)))
		}
	case leave:
		m.see(task, "%v", h.ringer[o.on].Close())
	case part:
		m.see(task, "%v", m.ends[o.on][task%2].Close())
	case shutDoor:
		m.see(task, "%v", m.door.Close())
	case openDoor:
		_, err := m.p.Listen("door")
		m.see(task, "%v", err)
	default:
		m.descriptor(task, at, o)
	}
}

func (m *machine) descriptor(task, at int, o op) {
	h := &m.all[at]
	switch o.verb {
	case hand:
		if d := h.spare[o.on]; d != nil {
			m.see(task, "%v", m.ends[o.on][task%2].Send([]byte{byte(task)}, []shm.Desc{d}, 0))
			m.see(task, "%v", d.Close())
		}
	case take:
		var b [4]byte
		_, ds, err := m.ends[o.on][task%2].Recv(b[:], 0)
		m.see(task, "%v %v %d", b, err, len(ds))
		for _, d := range ds {
			if r, err := h.h.OpenRinger(d, nameBell); err == nil {
				m.see(task, "%v %v", r.Ring(), r.Close())
			}
		}
	}
}

// state returns everything that can be noticed of an execution.
func (m *machine) state(o *sim.Outcome) string {
	var b strings.Builder
	for i, saw := range m.seen {
		if saw != nil {
			b.WriteString(strconv.Itoa(i) + strings.Join(saw, ",") + ";")
		}
	}
	fmt.Fprintf(&b, "%s %v %d %d", o.Verdict(), m.w.Now(), m.words[0].Load(), m.words[1].Load())
	h := m.w.History()
	slices.SortFunc(h, func(a, b exec.Operation) int { return a.Client*1000 + int(a.Call) - b.Client*1000 - int(b.Call) })
	for _, x := range h {
		fmt.Fprintf(&b, " %d:%v", x.Client, x.Output)
		for _, y := range h {
			if x.Return < y.Call {
				fmt.Fprint(&b, "<")
			} else {
				fmt.Fprint(&b, "|")
			}
		}
	}
	return b.String()
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
