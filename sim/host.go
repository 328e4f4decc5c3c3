package sim

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"cutthrough/shm"
	"cutthrough/shm/access"
	"cutthrough/sim/exec"
	"cutthrough/sim/hb"
)

// Names of the call sites of a simulated host, for traces.
var (
	nameSegCreate = shm.NewName("host.create-segment")
	nameSegMap    = shm.NewName("host.map-segment")
	nameSegUnmap  = shm.NewName("host.unmap-segment")
	nameBellNew   = shm.NewName("host.new-doorbell")
	nameBellOpen  = shm.NewName("host.open-doorbell")
	nameDial      = shm.NewName("host.dial")
	nameListen    = shm.NewName("host.listen")
	nameClock     = shm.NewName("host.clock")
	nameClose     = shm.NewName("host.close")
)

// Process is one simulated process. It is the [shm.Host] of the code that runs
// in it; the shm/hosttest suite holds for it as for the real one.
type Process struct {
	w        *World
	id       int
	name     string
	user     uint32
	mortal   bool
	service  bool
	dead     bool
	stopped  bool
	open     []resource // in order of creation; what is released at death
	live     int
	segments uint64 // that it has created
	onDeath  []func()
	hostile  []bool // by name: words that it writes at any time
}

var _ shm.Host = (*Process)(nil)

// Name returns the name given to World.Process.
func (p *Process) Name() string { return p.name }

// Mortal allows the Kill and Stop faults to hit this process, and returns it.
func (p *Process) Mortal() *Process { p.mortal = true; return p }

// Service makes the tasks that the process starts daemons, because it serves others
// and never ends by itself, and returns it. It may keep what it has.
func (p *Process) Service() *Process { p.service = true; return p }

// User makes the process one of the user uid, whose group has the same number, and returns it. The default is 0.
func (p *Process) User(uid uint32) *Process { p.user = uid; return p }

// Self implements [shm.Host].
func (p *Process) Self() shm.Peer { return shm.Peer{UID: p.user, GID: p.user, PID: p.id + 1} }

// Dead says whether the process was killed.
func (p *Process) Dead() bool { return p.dead }

// Holds returns how many descriptors, mappings, channels and listeners the process has. It is for properties of a
// service, which never ends and so is not asked for leaks.
func (p *Process) Holds() int { return len(p.open) }

// OnDeath registers what the world does when the process is killed, outside the
// schedule, such as ringing a bell as a kernel would wake a poller.
func (p *Process) OnDeath(f func()) { p.onDeath = append(p.onDeath, f) }

// Hostile lets the CorruptRead fault change the named words of memory that the process has mapped, right before another
// process loads them, and returns the process.
func (p *Process) Hostile(names ...shm.Name) *Process {
	for _, n := range names {
		for int(n) >= len(p.hostile) {
			p.hostile = append(p.hostile, false)
		}
		p.hostile[n] = true
	}
	return p
}

// mayHaveWritten says whether p is hostile to a word of m.
func (p *Process) mayHaveWritten(m *memory, name shm.Name) bool {
	return int(name) < len(p.hostile) && p.hostile[name] &&
		slices.ContainsFunc(p.open, func(r resource) bool { v, ok := r.(*view); return ok && v.mem == m })
}

// Go starts a task. A name that is taken in this execution gets a number: traces
// tell tasks apart by name.
func (p *Process) Go(name string, f func()) { p.goTask(name, f, p.service) }

// GoDaemon starts a task that may wait for ever: the execution ends without it.
func (p *Process) GoDaemon(name string, f func()) { p.goTask(name, f, true) }

func (p *Process) goTask(name string, f func(), daemon bool) {
	w := p.w
	unique := name
	for n := 2; w.taskNamed(unique); n++ {
		unique = name + "." + strconv.Itoa(n)
	}
	t := w.newTask(p, unique, f)
	t.daemon = daemon
	if w.started {
		w.launch(w.cur, t)
	}
}

func (w *World) taskNamed(name string) bool {
	for _, t := range w.tasks {
		if t.name == name {
			return true
		}
	}
	return false
}

// call is the scheduling point of a system call on an object; it returns the errno of a
// failure that the Chooser injected.
func (p *Process) call(object Object, name shm.Name, errnos ...syscall.Errno) error {
	w := p.w
	if w.cur == nil {
		return nil
	}
	var faults []option
	if w.cfg.Faults.Has(exec.Fail) {
		w.faultBuf = w.faultBuf[:0]
		for _, no := range errnos {
			w.faultBuf = append(w.faultBuf, failWith(no))
		}
		faults = w.faultBuf
	}
	o := w.at(Access{Object: object, Name: name, Op: access.Call}, faults)
	if o.kind == exec.Fail {
		return fmt.Errorf("sim: %s: %w", name, syscall.Errno(o.id))
	}
	return nil
}

// resource is something that a process must release and a kernel releases for it.
type resource interface {
	release() // what the kernel does when the last holder is gone
	String() string
}

func (p *Process) acquire(r resource) {
	p.open = append(p.open, r)
	p.live++
}

// drop forgets r; it says whether p still had it.
func (p *Process) drop(r resource) bool {
	for i, o := range p.open {
		if o == r {
			p.open = append(p.open[:i], p.open[i+1:]...)
			p.live--
			return true
		}
	}
	return false
}

func (p *Process) closeAll() {
	for _, r := range p.open {
		r.release()
	}
	p.open, p.live = p.open[:0], 0
}

func (v *view) release() {}

func (v *view) String() string { return fmt.Sprintf("mapping of %d bytes", len(v.mem.bytes)) }

func (v *view) unmap() error {
	if v.p.w.cur != nil {
		v.p.w.at(Access{Object: v.mem.id, Name: nameSegUnmap, Op: access.Call}, nil)
	}
	v.p.w.touch(v.mem.id, LetGo)
	v.p.drop(v)
	v.gone = true
	return nil
}

func (p *Process) mapMemory(m *memory) *view {
	v := p.w.run.views.get()
	if v.close == nil {
		v.close = v.unmap
	}
	v.p, v.mem, v.gone = p, m, false
	p.acquire(v)
	return v
}

// CreateSegment implements [shm.Host]. The memory is on the heap.
func (p *Process) CreateSegment(size uint64) (*shm.Segment, error) {
	if err := p.call(NoObject, nameSegCreate, syscall.ENOMEM, syscall.EMFILE, syscall.ENOSPC); err != nil {
		return nil, err
	}
	if size < shm.MinSegment || size > 1<<30 || size%8 != 0 {
		return nil, fmt.Errorf("sim: segment of %d bytes: %w", size, shm.ErrSize)
	}
	w := p.w
	m := w.memory(size)
	v := p.mapMemory(m)
	p.segments++
	var s *shm.Segment
	var err error
	w.unhooked(func() { // no other task can see the segment yet
		s, err = shm.FormatSegment(m.bytes, uint64(p.id)<<32|p.segments, v, p.newDesc(m), v.close)
	})
	return s, err
}

// MapSegment implements [shm.Host].
func (p *Process) MapSegment(d shm.Desc, size uint64) (*shm.Segment, error) {
	failure := p.call(NoObject, nameSegMap, syscall.ENOMEM)
	sd, ok := p.owned(d)
	if !ok {
		return nil, fmt.Errorf("sim: map segment: %w", shm.ErrDesc)
	}
	fail := func(err error) (*shm.Segment, error) {
		p.dropDesc(sd)
		return nil, fmt.Errorf("sim: map segment: %w", err)
	}
	if failure != nil {
		return fail(failure)
	}
	m, ok := sd.obj.(*memory)
	if !ok {
		return fail(shm.ErrDesc)
	}
	if uint64(len(m.bytes)) != size {
		return fail(shm.ErrSize)
	}
	v := p.mapMemory(m)
	s, err := shm.AttachSegment(m.bytes, v, sd, v.close)
	if err != nil {
		p.drop(v)
		return fail(err)
	}
	return s, nil
}

// View maps in p a segment that another process created, as if its descriptor
// had been received. For setup functions.
func (p *Process) View(s *shm.Segment) *shm.Segment {
	v, err := p.MapSegment(p.newDesc(s.Desc().(*desc).obj), s.Size())
	if err != nil {
		panic(err)
	}
	return v
}

// Now implements [shm.Host].
func (p *Process) Now() time.Duration { return p.w.now }

// At implements [shm.Host]: virtual time starts at the Unix epoch.
func (p *Process) At(t time.Time) time.Duration { return t.Sub(time.Unix(0, 0)) }

// Sleep implements [shm.Host].
func (p *Process) Sleep(until time.Duration) {
	w := p.w
	w.atWait(Access{Object: Clock, Name: nameClock, Op: access.Wait}, nil, never{}, until)
	if until > w.now {
		w.block(w.cur, never{}, nil, until)
	}
}

// never is signalled by nothing but the clock.
type never struct{}

func (never) signalled() bool { return false }

// NewLock implements [shm.Host].
func (p *Process) NewLock(name shm.Name) sync.Locker {
	l := p.w.run.locks.get()
	*l = lock{w: p.w, id: p.w.object("lock", name.String()), name: name}
	return l
}

// lock is a mutex whose waiters are disabled while it is held.
type lock struct {
	w     *World
	id    Object
	name  shm.Name
	held  bool
	order hb.Var
}

func (l *lock) signalled() bool { return !l.held }

// Lock implements [sync.Locker].
func (l *lock) Lock() {
	w := l.w
	if w.cur == nil {
		return
	}
	t := w.cur
	w.atWait(Access{Object: l.id, Name: l.name, Op: access.Lock}, nil, l, shm.Forever)
	for l.held {
		w.block(t, l, nil, shm.Forever)
	}
	l.held = true
	w.wake(l)
	w.acquire(t, &l.order)
}

// Unlock implements [sync.Locker].
func (l *lock) Unlock() {
	w := l.w
	if w.cur == nil {
		return
	}
	w.at(Access{Object: l.id, Name: l.name, Op: access.Unlock}, nil)
	if !l.held {
		panic(fmt.Sprintf("sim: unlock of unlocked %s", l.name))
	}
	w.release(w.cur, &l.order)
	l.held = false
	w.wake(l)
}
