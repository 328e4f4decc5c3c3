package impl

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cutthrough/impl/layer"
	"cutthrough/impl/server"
	"cutthrough/impl/wire"
	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/evq"
	"cutthrough/shm/fifo"
	"cutthrough/shm/oshost"
)

// victims are two applications with a session, on a session layer that others attack.
type victims struct {
	steppedLayer
	t    *testing.T
	a, b *App
	l    *Listener
	c, s *Session
}

func newVictims(t *testing.T, cfg server.Config) *victims {
	t.Helper()
	return victimsOf(t, startServer(t, cfg))
}

// victimsOf is newVictims with a session layer that runs.
func victimsOf(t *testing.T, s steppedLayer) *victims {
	t.Helper()
	v := &victims{t: t, steppedLayer: s}
	v.a, v.b = attach(t, v.addr), attach(t, v.addr)
	v.l = listen(t, v.a, testURI)
	v.c, v.s = connect(t, v.l, v.b)
	check(t, listen(t, v.b, "tcp://127.0.0.1/2").Close()) // the session layer has taken the answers to its maps since
	return v
}

// unharmed says whether the victims still can do what they could, and no other process is
// there any more.
func (v *victims) unharmed() {
	v.t.Helper()
	msg := bytes.Repeat([]byte("unharmed"), 20_000)
	exchange(v.t, v.c, v.s, msg)
	exchange(v.t, v.s, v.c, msg)
	c, s := connect(v.t, v.l, v.b)
	exchange(v.t, c, s, msg)
	check(v.t, c.Close())
	check(v.t, s.Close())
	// The last attacker may still be being cleaned up.
	st := v.await(func(st layer.Stat) bool { return len(st.Apps) == 2 && len(st.Sessions) == 1 && len(st.Segments) == 1 })
	if len(st.Apps) != 2 || len(st.Listeners) != 1 || len(st.Segments) != 1 {
		v.t.Errorf("the session layer has %+v", st)
	}
}

// socket is a control channel below shm: it sends any bytes with any descriptors.
type socket struct {
	t  testing.TB
	fd int
}

func rawSocket(t testing.TB, addr string) socket {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	check(t, err)
	check(t, again(func() error { return unix.Connect(fd, &unix.SockaddrUnix{Name: addr}) }))
	check(t, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: int64(liveness / time.Second)}))
	return socket{t, fd}
}

// again calls f until no signal of the runtime interrupts it.
func again(f func() error) error {
	for {
		if err := f(); err != unix.EINTR {
			return err
		}
	}
}

// send sends b. A kernel that refuses its descriptors sends nothing; then one byte goes, so that the session layer hears
// of something.
func (s socket) send(b []byte, fds ...int) {
	s.t.Helper()
	send := func(b, oob []byte) error {
		return again(func() error { return unix.Sendmsg(s.fd, b, oob, nil, unix.MSG_NOSIGNAL) })
	}
	err := send(b, unix.UnixRights(fds...))
	if err == unix.EPERM && len(fds) > 0 {
		err = send([]byte{0}, nil)
	}
	check(s.t, err)
}

// end waits until the session layer has hung up.
func (s socket) end() {
	s.t.Helper()
	b := make([]byte, wire.MaxSize)
	for {
		n, err := unix.Read(s.fd, b)
		if err == unix.ECONNRESET || err == unix.EINTR {
			continue // with what we sent unread, then the end comes next; or the runtime wants to preempt us
		}
		if n == 0 && err == nil {
			check(s.t, unix.Close(s.fd))
			return
		}
		if err != nil {
			s.t.Errorf("waiting for the end: %v", err)
			return
		}
	}
}

// TestHostileMessages: an application that sends what no application sends is hung
// up, and no other process notices.
func TestHostileMessages(t *testing.T) {
	v := newVictims(t, server.Config{})
	leaks := proctest.CheckLeaks(t)
	attach := wire.Message{Type: wire.Attach, Scope: wire.ScopeLocal}.Encode(nil)
	bind := wire.Message{Type: wire.Bind, URI: "tcp://127.0.0.1/9"}.Encode(nil)
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	check(t, err)
	var pipe [2]int
	check(t, unix.Pipe2(pipe[:], unix.O_CLOEXEC))
	memory, err := unix.MemfdCreate("attack", unix.MFD_CLOEXEC)
	check(t, err)
	dir, err := os.Open(t.TempDir())
	check(t, err)

	type message struct {
		b   []byte
		fds []int
	}
	attached := func(b []byte, fds ...int) []message { return []message{{attach, nil}, {b, fds}} }
	attacks := map[string][]message{
		"one byte":                 {{[]byte{'C'}, nil}},
		"a long message":           {{make([]byte, shm.MaxMessage), nil}},
		"longer than any":          {{make([]byte, 1<<16), nil}},
		"attach with a doorbell":   {{attach, []int{bell}}},
		"a pipe":                   {{attach, pipe[:1]}},
		"the other end of a pipe":  {{attach, pipe[1:]}},
		"memory":                   {{attach, []int{memory}}},
		"a directory":              {{attach, []int{int(dir.Fd())}}},
		"a descriptor for nothing": attached(bind, bell),
		"many descriptors":         attached(bind, slices253(bell)...),
		"many, with an attach":     {{attach, slices253(bell)}},
	}
	for k := wire.Attach; k < wire.NumTypes; k++ {
		b := wire.Message{Type: k}.Encode(nil)
		attacks[fmt.Sprint("short ", k)] = attached(b[:len(b)-1])
		attacks[fmt.Sprint("long ", k)] = attached(append(b, 0))
		switch k {
		case wire.AttachReply, wire.DetachReply, wire.BindReply, wire.UnbindReply, wire.ConnectReply, wire.Unmap, wire.Accept:
			attacks[fmt.Sprint("only the session layer sends ", k)] = attached(b)
		case wire.Map:
			attacks[fmt.Sprint("only the session layer sends ", k)] = attached(b, memory, bell)
		}
	}
	for i, b := range [][]byte{
		{'X', 'T', wire.Version, 1}, {'C', 'X', wire.Version, 1}, {'C', 'T', 0, 1}, {'C', 'T', wire.Version - 1, 1}, {'C', 'T', wire.Version + 1, 1},
		{'C', 'T', wire.Version, 0}, {'C', 'T', wire.Version, byte(wire.NumTypes)}, {'C', 'T', wire.Version, 255},
	} {
		attacks[fmt.Sprint("header ", i)] = attached(append(b, make([]byte, 300)...))
	}
	rng := rand.NewChaCha8([32]byte{9})
	for i := range 50 {
		b := make([]byte, 1+i*7)
		_, _ = rng.Read(b)
		attacks[fmt.Sprint("random ", i)] = attached(b)
	}
	for name, messages := range attacks {
		t.Run(name, func(t *testing.T) {
			s := rawSocket(t, v.addr)
			for _, m := range messages {
				s.send(m.b, m.fds...)
			}
			s.end()
		})
	}
	for _, fd := range []int{bell, pipe[0], pipe[1], memory} {
		check(t, unix.Close(fd))
	}
	check(t, dir.Close())
	v.unharmed()
	leaks()
}

// slices253 returns as many copies of fd as the kernel sends at once.
func slices253(fd int) []int {
	fds := make([]int, 253)
	for i := range fds {
		fds[i] = fd
	}
	return fds
}

// TestHostileHandles: handles of others and of things that are gone mean nothing; nor do
// answers to what was not asked.
func TestHostileHandles(t *testing.T) {
	v := newVictims(t, server.Config{})
	r := rawApp(t, v.addr)
	r.send(wire.Message{Type: wire.Attach, RequestID: 5})
	if r.want(wire.AttachReply); r.last.Status != wire.AlreadyAttached {
		t.Errorf("second attach: %v", r.last)
	}
	var handles []wire.Handle
	for k := wire.KindNone; k <= wire.NumKinds; k++ {
		for generation := range uint32(4) {
			for _, index := range []uint32{0, 1, 2, 1 << 31} {
				handles = append(handles, wire.NewHandle(k, generation, index))
			}
		}
	}
	for _, h := range handles {
		for _, k := range []wire.Type{wire.Unbind, wire.Disconnect, wire.Reset} {
			r.send(wire.Message{Type: k, RequestID: 6, Handle: h})
			if r.want(k + 1); r.last.Status != wire.Invalid || r.last.RequestID != 6 || r.last.Handle != h {
				t.Errorf("%v %v: %v", k, h, r.last)
			}
		}
		r.send(wire.Message{Type: wire.Disconnect, Handle: h, CloseMode: wire.CloseWrite})
		if r.want(wire.DisconnectReply); r.last.Status != wire.Invalid {
			t.Errorf("half-close %v: %v", h, r.last)
		}
		for _, k := range []wire.Type{wire.MapReply, wire.UnmapReply, wire.AcceptReply, wire.DisconnectReply, wire.ResetReply} {
			for _, status := range []wire.Status{wire.OK, wire.Invalid} {
				r.send(wire.Message{Type: k, Handle: h, Status: status})
			}
		}
	}
	r.send(wire.Message{Type: wire.Detach, RequestID: 7})
	r.want(wire.DetachReply)
	for _, k := range []wire.Type{wire.Detach, wire.Bind, wire.Unbind, wire.Connect, wire.Disconnect, wire.Reset} {
		r.send(wire.Message{Type: k, RequestID: 8})
		if r.want(k + 1); r.last.Status != wire.NotAttached {
			t.Errorf("%v of a connection that is not attached: %v", k, r.last)
		}
	}
	v.unharmed()
}

// TestDeaf: an application that does not read is hung up before what waits for it becomes
// too much, and no process waits for it.
func TestDeaf(t *testing.T) {
	v := newVictims(t, server.Config{Backlog: 16})
	deaf := rawApp(t, v.addr)
	deaf.listen("tcp://127.0.0.1/9")
	msg := wire.Message{Type: wire.Bind, URI: "tcp://127.0.0.1/9"}.Encode(nil)
	for range 1000 { // each is answered
		if deaf.conn.Send(msg, nil, deaf.host.Now()+liveness) != nil {
			break
		}
	}
	deaf.wantHangup()
	v.unharmed()
}

// TestDeafServer: the connects to an application that does not read wait for as long as it lives. When it goes,
// all are refused at once.
func TestDeafServer(t *testing.T) {
	s := startWith(t, server.Config{Backlog: 16}, nil) // to look at so many sessions in each step would take too long
	v := victimsOf(t, s)
	deaf := rawApp(t, v.addr)
	deaf.listen("tcp://127.0.0.1/9")
	client := attach(t, v.addr)
	var dials []func() error
	for range 1000 {
		dials = append(dials, result(func() error { _, err := client.Dial(t.Context(), "tcp://127.0.0.1/9"); return err }))
	}
	v.await(func(st layer.Stat) bool { return len(st.Sessions) == len(dials)+1 })
	deaf.close()
	for _, err := range dials {
		wantErr(t, "dial", err(), wire.Refused)
	}
	check(t, client.Close())
	v.unharmed()
}

// TestSilentConnections: connections that send no message cost other processes nothing.
func TestSilentConnections(t *testing.T) {
	v := newVictims(t, server.Config{})
	leaks := proctest.CheckLeaks(t)
	for range 1000 {
		c, err := oshost.New().Dial(v.addr, shm.Forever)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { check(t, c.Close()) }()
	}
	v.unharmed()
	t.Cleanup(leaks)
}

// scribbler is an application that accepts, and then spoils what it shares.
type scribbler struct {
	*raw
	seg  *shm.Segment
	bell shm.Doorbell
	peer shm.RingCloser
}

// accept accepts the next session as a real application does.
func (r *scribbler) accept() {
	r.t.Helper()
	b := make([]byte, wire.MaxSize)
	for {
		n, descs, err := r.conn.Recv(b, r.host.Now()+liveness)
		check(r.t, err)
		m, err := wire.Decode(b[:n])
		check(r.t, err)
		switch m.Type {
		case wire.Map:
			r.seg, err = r.host.MapSegment(descs[0], m.Size)
			check(r.t, err)
			r.bell, err = r.host.OpenWaiter(descs[1], namePeerBell)
			check(r.t, err)
			r.peer, err = r.host.OpenRinger(descs[2], namePeerRing)
			check(r.t, err)
		case wire.Accept:
			r.last = m
			r.send(wire.Message{Type: wire.AcceptReply, Handle: m.Handle})
			return
		default:
			r.t.Fatalf("unexpected %v", m)
		}
	}
}

// end closes what accept opened, and leaves.
func (r *scribbler) end() {
	check(r.t, r.seg.Close())
	check(r.t, r.bell.Close())
	check(r.t, r.peer.Close())
	r.close()
}

// headers returns the offsets of the words that are not payload, as far as the fifos'
// and queues' headers go.
func (r *scribbler) headers(base wire.Location) []uint64 {
	var words []uint64
	add := func(at, n uint64) {
		for off := at; off < at+n; off += 8 {
			words = append(words, off)
		}
	}
	add(0, shm.SegmentHeader)
	for _, at := range []wire.Location{r.last.Rx, r.last.Tx} {
		add(uint64(at-base), fifo.Size(0))
	}
	for _, at := range []wire.Location{r.last.PostQueue, r.last.ReadQueue} {
		add(uint64(at-base), evq.Size(256))
	}
	return words
}

var nameSpoiled = shm.NewName("test.spoiled")

// TestScribbler: a process that shares a segment with an application and spoils it ends the
// sessions that lie in it, if that. The application's other sessions go on, it
// does not keep a processor busy, and no process panics.
func TestScribbler(t *testing.T) {
	rounds := proctest.Rounds(t, 30, 150)
	v := newVictims(t, server.Config{})
	rng := rand.New(rand.NewPCG(1, 2))
	leaks := proctest.CheckLeaks(t)
	for round := range rounds {
		r := scribbler{raw: rawApp(t, v.addr)}
		uri := fmt.Sprintf("tcp://127.0.0.1/%d", 1000+round)
		r.listen(uri)
		dial := result(func() error {
			c, err := v.b.Dial(t.Context(), uri)
			if err != nil {
				return err
			}
			defer func() { check(t, c.Close()) }()
			return v.suffer(c, &r, rng, round)
		})
		r.accept()
		check(t, dial())
		r.end()
		if round%10 == 0 {
			v.unharmed()
		}
	}
	leaks()
}

// suffer uses c while r spoils what is under it.
func (v *victims) suffer(c *Session, r *scribbler, rng *rand.Rand, round int) error {
	check(v.t, c.SetDeadline(time.Now().Add(20*time.Millisecond)))
	read, write := result(c.read), result(c.fill)
	words := r.headers(v.baseOf(r.last.Rx))
	for i := range 1 + rng.IntN(3*len(words)) {
		off := words[rng.IntN(len(words))]
		if round%2 == 0 { // all of it, with one pattern
			off = words[i%len(words)]
		}
		r.seg.Uint64(off, nameSpoiled).Store(spoil(rng, round, i))
		check(v.t, r.peer.Ring())
	}
	exchange(v.t, v.c, v.s, []byte("meanwhile"))
	exchange(v.t, v.s, v.c, []byte("meanwhile"))
	for _, err := range []error{read(), write(), c.read(), c.fill()} {
		switch kindOf(err) {
		case "", "deadline", "EOF", "reset", "pipe":
		default:
			if !strings.Contains(err.Error(), shm.ErrCorrupt.Error()) {
				return fmt.Errorf("undocumented: %w", err)
			}
		}
	}
	return v.asleep()
}

// spoil returns a value to write into a word.
func spoil(rng *rand.Rand, round, i int) uint64 {
	switch round % 5 {
	case 0:
		return rng.Uint64()
	case 1:
		return 0
	case 2:
		return ^uint64(0)
	case 3:
		return 1<<32 | uint64(i)
	default:
		var b [8]byte
		b[rng.IntN(8)] = byte(rng.Uint32())
		return binary.LittleEndian.Uint64(b[:])
	}
}

// baseOf returns where the segment is that has at.
func (v *victims) baseOf(at wire.Location) wire.Location {
	for _, g := range v.Stat().Segments {
		if at >= g.Base && at < g.Base+wire.Location(g.Size) {
			return g.Base
		}
	}
	return 0
}

// asleep says whether the tasks that handle the events of applications sleep, as they
// must while nothing happens. It polls: the runtime has no event for a task that goes to sleep.
func (v *victims) asleep() error {
	awake := func(task string) bool {
		return strings.Contains(task, "(*peer).await") && !strings.Contains(task, "oorbell).Wait") // of a doorbell or a local one
	}
	if !proctest.Eventually(func() bool { return !slices.ContainsFunc(strings.Split(proctest.Stacks(), "\n\n"), awake) }) {
		return errors.New("an application is busy with events that do not come")
	}
	return nil
}
