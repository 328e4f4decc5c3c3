package shm_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cutthrough/shm"
)

// Tests with several processes run this test binary again: a child dials its
// parent, and runs one of the bodies registered with child. Its error ends up in the
// parent's test.

const (
	childEnv = "SHM_TEST_CHILD" // name of the body
	addrEnv  = "SHM_TEST_ADDR"  // where the parent listens
	liveness = 30 * time.Second // bound on what must happen at all, on a busy machine
	settle   = 5 * time.Second  // bound on what happens in the background
)

type childBody func(h shm.Host, parent shm.Conn) error

var childBodies = map[string]childBody{}

// child registers body under name and returns name.
func child(name string, body childBody) string {
	childBodies[name] = body
	return name
}

func TestMain(m *testing.M) {
	if name := os.Getenv(childEnv); name != "" {
		if err := runChild(name); err != nil {
			fmt.Fprintf(os.Stderr, "child %s: %v\n", name, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func runChild(name string) error {
	h := shm.OS()
	parent, err := h.Dial(os.Getenv(addrEnv))
	if err != nil {
		return err
	}
	if err := childBodies[name](h, parent); err != nil {
		return err
	}
	return parent.Close()
}

// process is a running child.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	stderr bytes.Buffer
	conn   shm.Conn // to the child
}

var addrs atomic.Int64

// newAddr returns an address that nobody else uses.
func newAddr() string { return fmt.Sprintf("@shm.test.%d.%d", os.Getpid(), addrs.Add(1)) }

// start starts a child; end it with wait or kill.
func start(t testing.TB, h shm.Host, name string) *process {
	t.Helper()
	l, err := h.Listen(newAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { check(t, l.Close()) }()
	p := &process{t: t, cmd: exec.Command(os.Args[0])}
	// Under the race detector a process sleeps a second before it exits.
	p.cmd.Env = append(os.Environ(), childEnv+"="+name, addrEnv+"="+l.Addr(), "GORACE=atexit_sleep_ms=0")
	p.cmd.Stderr = &p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.conn, err = l.Accept(h.Now() + liveness)
	if err != nil {
		p.cmd.Process.Kill()
		t.Fatalf("child %s did not dial: %v, %v\n%s", name, err, p.cmd.Wait(), &p.stderr)
	}
	return p
}

// wait waits for a child that ends well.
func (p *process) wait() {
	p.t.Helper()
	timer := time.AfterFunc(liveness, func() { p.cmd.Process.Kill() })
	defer timer.Stop()
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("%v\n%s", err, &p.stderr)
	}
	check(p.t, p.conn.Close())
}

// kill ends a child with SIGKILL, and collects it; the channel stays open.
func (p *process) kill() {
	p.t.Helper()
	check(p.t, p.cmd.Process.Kill())
	p.cmd.Wait() // "signal: killed"
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// census is what a process holds: open descriptors and mappings of segments by
// what they refer to, and children.
type census map[string]int

// holdings returns the census of this process.
func holdings() (census, error) {
	c := census{}
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		return nil, err
	}
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil {
			continue // the descriptor of the directory itself
		}
		kind, _, _ := strings.Cut(target, ":[") // socket:[123]
		c["open "+kind]++
	}
	mapped, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil, err
	}
	c["mapped segments"] = bytes.Count(mapped, []byte("memfd:"))
	kids, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		return nil, err
	}
	for _, kid := range kids {
		pids, _ := os.ReadFile(kid) // the thread may have ended
		c["children"] += len(strings.Fields(string(pids)))
	}
	return c, nil
}

// awaitHoldings returns the census when it is want, or when it has not become that.
// Some descriptors are closed in the background.
func awaitHoldings(want census) (census, error) {
	for begin := time.Now(); ; runtime.Gosched() {
		c, err := holdings()
		if err != nil || maps.Equal(c, want) || time.Since(begin) > settle {
			return c, err
		}
	}
}

// checkLeaks returns a function that reports what is held then and was not held
// when checkLeaks was called.
func checkLeaks(t testing.TB) func() {
	t.Helper()
	warmUp(t)
	before, err := holdings()
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		after, err := awaitHoldings(before)
		check(t, err)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("leak (-before +after):\n%s", diff)
		}
	}
}

// warmUp makes the runtime open what it opens once: the netpoller's descriptors.
func warmUp(t testing.TB) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	check(t, r.Close())
	check(t, w.Close())
}

// mirror is a child that maps the segment it is sent, adds one to each of its words,
// and says so.
var mirror = child("mirror", func(h shm.Host, parent shm.Conn) error {
	for {
		buf := make([]byte, shm.MaxMessage)
		n, descs, err := parent.Recv(buf, h.Now()+liveness)
		if err != nil {
			return err
		}
		if string(buf[:n]) == "end" {
			return nil
		}
		s, err := h.MapSegment(descs[0], segSize)
		if err != nil {
			return err
		}
		for off := uint64(shm.SegmentHeader); off < segSize; off += 8 {
			s.Uint64(off, wordName).Add(1)
		}
		if err := s.Close(); err != nil {
			return err
		}
		if err := parent.Send([]byte("done"), nil, h.Now()+liveness); err != nil {
			return err
		}
	}
})

const segSize = 1 << 16

var wordName = shm.NewName("test.word")

func TestProcessesShareSegments(t *testing.T) {
	leaks := checkLeaks(t)
	h := shm.OS()
	p := start(t, h, mirror)
	for round := range uint64(20) {
		s, err := h.CreateSegment(segSize)
		if err != nil {
			t.Fatal(err)
		}
		for off := uint64(shm.SegmentHeader); off < segSize; off += 8 {
			s.Uint64(off, wordName).Store(off * round)
		}
		check(t, p.conn.Send([]byte("segment"), []shm.Desc{s.Desc()}, h.Now()+liveness))
		if _, _, err := p.conn.Recv(make([]byte, 16), h.Now()+liveness); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
		var wrong []uint64
		for off := uint64(shm.SegmentHeader); off < segSize; off += 8 {
			if s.Uint64(off, wordName).Load() != off*round+1 {
				wrong = append(wrong, off)
			}
		}
		if len(wrong) > 0 {
			t.Errorf("round %d: %d words are wrong, first at %d", round, len(wrong), slices.Min(wrong))
		}
		check(t, s.Close())
	}
	check(t, p.conn.Send([]byte("end"), nil, h.Now()+liveness))
	pid, err := p.conn.PeerPID()
	if err != nil || pid != p.cmd.Process.Pid {
		t.Errorf("peer pid %d, %v; want %d", pid, err, p.cmd.Process.Pid)
	}
	p.wait()
	leaks()
}
