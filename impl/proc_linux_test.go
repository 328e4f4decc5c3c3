package impl

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"cutthrough/impl/layer"
	"cutthrough/internal/load"
	"cutthrough/internal/proctest"
)

// trio is a session layer and two applications, in a process each. The server echoes
// at testURI.
type trio struct {
	t                     *testing.T
	addr                  string
	layer, server, client *proctest.Process
	idle                  map[string]proctest.Census // of a trio without sessions
}

func newTrio(t *testing.T) *trio {
	t.Helper()
	r := &trio{t: t, addr: filepath.Join(t.TempDir(), "layer"), idle: map[string]proctest.Census{}}
	r.startLayer()
	r.startServer()
	r.startClient()
	for name, p := range r.processes() {
		r.idle[name] = proctest.Call[proctest.Census](p, "Census", None{})
	}
	return r
}

func (r *trio) processes() map[string]*proctest.Process {
	return map[string]*proctest.Process{"layer": r.layer, "server": r.server, "client": r.client}
}

func (r *trio) startLayer() {
	r.layer = proctest.Start(r.t)
	proctest.Call[None](r.layer, "Layer", r.addr)
}

func (r *trio) startServer() {
	r.server = proctest.Start(r.t)
	r.attachServer()
}

func (r *trio) attachServer() {
	proctest.Call[None](r.server, "Attach", r.addr)
	proctest.Call[None](r.server, "Serve", testURI)
}

func (r *trio) startClient() {
	r.client = proctest.Start(r.t)
	proctest.Call[None](r.client, "Attach", r.addr)
}

// checkIdle reports what is there and was not there when there were no sessions.
func (r *trio) checkIdle() {
	r.t.Helper()
	for name, p := range r.processes() {
		census := func() (proctest.Census, error) { return proctest.Try[proctest.Census](p, "Census", None{}) }
		proctest.CheckHoldings(r.t, "the "+name, census, r.idle[name])
	}
	st := proctest.Call[layer.Stat](r.layer, "Stat", None{})
	if len(st.Apps) != 2 || len(st.Listeners) != 1 || len(st.Sessions)+len(st.Segments) > 0 || st.Used > 0 {
		r.t.Errorf("the session layer has %+v", st)
	}
}

// end has all leave in good order.
func (r *trio) end() {
	r.t.Helper()
	for _, p := range []*proctest.Process{r.client, r.server} {
		proctest.Call[None](p, "Detach", None{})
		p.End()
	}
	proctest.Call[None](r.layer, "EndLayer", None{})
	r.layer.End()
}

// TestProcessesEcho: what is sent comes back, over several sessions at once.
func TestProcessesEcho(t *testing.T) {
	total := uint64(proctest.Rounds(t, 1<<28, 1<<30))
	if raced {
		total = 1 << 26
	}
	r := newTrio(t)
	const sessions = 4
	begin := time.Now()
	proctest.Call[None](r.client, "Stream", StreamCall{testURI, sessions, total / sessions})
	took := time.Since(begin)
	t.Logf("%d MiB in %v, %.0f MB/s", total>>20, took.Round(time.Millisecond), float64(total)/1e6/took.Seconds())
	r.checkIdle()
	r.end()
}

// TestProcessesCrowd: many sessions come and go, and leave nothing.
func TestProcessesCrowd(t *testing.T) {
	sessions := proctest.Rounds(t, 250, 1000)
	r := newTrio(t)
	for range 2 {
		proctest.Call[None](r.client, "Crowd", StreamCall{testURI, sessions, 1})
		r.checkIdle()
	}
	r.end()
}

// TestProcessesStopped: a process that is stopped is not dead.
func TestProcessesStopped(t *testing.T) {
	r := newTrio(t)
	proctest.Call[int](r.client, "Dial", testURI)
	for _, c := range []struct {
		p       *proctest.Process
		session string // how a session fares meanwhile
	}{{r.server, "deadline"}, {r.layer, ""}} {
		c.p.Stop()
		got := proctest.Call[[2]string](r.client, "Patience", PatienceCall{testURI, 200 * time.Millisecond})
		if want := [2]string{c.session, "deadline"}; got != want {
			t.Errorf("session and dial while a process is stopped: %q, want %q", got, want)
		}
		c.p.Resume()
		if c.session == "deadline" {
			proctest.Call[ConnReply](r.client, "Conn", ConnCall{ID: 1, Method: "Read", Data: make([]byte, 5)})
		}
		got = proctest.Call[[2]string](r.client, "Patience", PatienceCall{testURI, liveness})
		if want := [2]string{}; got != want {
			t.Errorf("session and dial after it went on: %q, want %q", got, want)
		}
	}
	r.client.Stop()
	st := proctest.Call[layer.Stat](r.layer, "AwaitSessions", 1) // without those that were dialled
	if len(st.Apps) != 2 || len(st.Sessions) != 1 {
		t.Errorf("with the client stopped the session layer has %+v", st)
	}
	r.client.Resume()
	proctest.Call[[2]string](r.client, "Patience", PatienceCall{testURI, liveness})
	proctest.Call[ConnReply](r.client, "Conn", ConnCall{ID: 1, Method: "Close"})
	r.checkIdle()
	r.end()
}

// TestProcessesKilled: when one of three processes is killed at any time, the others get
// the documented error, nothing leaks, and the process that takes its place is served. The time until the last error
// is logged, not judged: it is that of the machine.
func TestProcessesKilled(t *testing.T) {
	rounds := proctest.Rounds(t, 4, 100)
	for _, victim := range []string{"client", "server", "layer"} {
		t.Run(victim, func(t *testing.T) {
			r := newTrio(t)
			rng := rand.New(rand.NewPCG(4, uint64(len(victim))))
			longest := time.Duration(0)
			for range rounds {
				proctest.Call[None](r.client, "Load", testURI)
				proctest.Call[None](r.client, "Progress", 3+rng.IntN(100))
				killed := load.Now()
				r.processes()[victim].Kill()
				for _, name := range load.Survivors(victim) {
					ended := proctest.Call[[]load.Ended](r.processes()[name], "Ended", load.Ends(victim, name))
					times, err := load.Judge(victim, name, ended, killed)
					check(t, err)
					longest = max(longest, slices.Max(append(times, 0)))
				}
				r.replace(victim, killed)
				r.checkIdle()
			}
			t.Logf("longest time from a kill to the last error: %v", longest.Round(time.Microsecond))
			r.end()
		})
	}
}

// replace puts a new process in the place of one that was killed. Sessions go on without a session layer, and
// applications attach to the next one by themselves.
func (r *trio) replace(victim string, killed time.Duration) {
	switch victim {
	case "client":
		r.startClient()
	case "server":
		r.startServer()
	case "layer":
		proctest.Call[None](r.client, "Progress", 3)
		if _, err := os.Stat(r.addr); err != nil {
			r.t.Errorf("a killed session layer leaves its socket: %v", err)
		}
		r.startLayer()
		proctest.Call[None](r.client, "Redial", testURI)
		proctest.Call[None](r.client, "Unload", None{})
		proctest.Call[[]load.Ended](r.client, "Ended", []string{})
		_, err := load.Judge(victim, "server", proctest.Call[[]load.Ended](r.server, "Ended", []string{"echo"}), killed)
		check(r.t, err)
	}
}

// TestProcessesLastWords: bytes that were written before a process dies are read to the end, and then the error says
// that it is gone, also when there is no session layer to say so.
func TestProcessesLastWords(t *testing.T) {
	for name, victims := range map[string][]string{"client": {"client"}, "layer, then client": {"layer", "client"}} {
		t.Run(name, func(t *testing.T) {
			r := &trio{t: t, addr: filepath.Join(t.TempDir(), "layer")}
			r.startLayer()
			l := listen(t, attach(t, r.addr), testURI)
			r.startClient()
			proctest.Call[int](r.client, "Dial", testURI)
			s, err := l.AcceptSession()
			check(t, err)
			words := []byte("last words")
			proctest.Call[ConnReply](r.client, "Conn", ConnCall{ID: 1, Method: "Write", Data: words})
			for _, victim := range victims {
				r.processes()[victim].Kill()
			}
			wantErr(t, "write", untilErr(s.fill), ErrPeerGone)
			got, err := io.ReadAll(s)
			wantErr(t, "read", err, ErrPeerGone)
			if !bytes.Equal(got, words) {
				t.Errorf("read %q, want %q", got, words)
			}
		})
	}
}

// untilErr calls f until it fails.
func untilErr(f func() error) error {
	for {
		if err := f(); err != nil {
			return err
		}
	}
}
