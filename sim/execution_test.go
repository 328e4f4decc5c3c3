package sim_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/internal/pairtest"

	"github.com/google/go-cmp/cmp"
)

// handOver is a producer that waits for its consumer, with a history, a mark, a note and a message.
func handOver(w *sim.World) {
	p := pairtest.New(w)
	ca, cb := w.ConnPair(p.A, p.B)
	p.A.Go("a", func() {
		op := w.Call("put")
		p.DA.CopyIn(0, []byte("ab"))
		p.XA.Store(7)
		w.Return(op, "done")
		_ = ca.Send([]byte("hello"), nil, shm.Forever)
	})
	p.B.Go("b", func() {
		buf := make([]byte, 8)
		_, _, _ = cb.Recv(buf, shm.Forever)
		w.Note("got %s", buf[:5])
		if p.XB.CompareAndSwap(6, 1) {
			w.Fail("Never", "swapped")
		}
		p.XB.CompareAndSwap(7, 8)
		p.DB.CopyOut(buf[:2], 0)
		w.Sometimes("read")
	})
}

// greetings decodes messages that are text.
type greetings struct{}

func (greetings) Message(b []byte) *exec.Message {
	return &exec.Message{Name: "text", Fields: []exec.Field{{Key: "is", Value: string(b)}}}
}

func (greetings) Word(name shm.Name, v uint64) *exec.Message {
	if name == nameX && v == 8 {
		return &exec.Message{Name: "taken"}
	}
	return nil
}

func record(t *testing.T, cfg sim.Config, setup func(*sim.World)) *exec.Execution {
	t.Helper()
	r := sim.NewRunner()
	defer r.Close()
	plain := r.Run(cfg, sim.Default{}, setup)
	cfg.Record, cfg.Decoder = true, greetings{}
	o := r.Run(cfg, sim.Default{}, setup)
	if o.Digest != plain.Digest || o.Steps != plain.Steps || o.Verdict() != plain.Verdict() {
		t.Errorf("recorded %016x %d %s, else %016x %d %s", o.Digest, o.Steps, o.Verdict(), plain.Digest, plain.Steps, plain.Verdict())
	}
	r.Run(cfg, sim.Default{}, lostUpdate) // the record outlives the run
	return o.Execution
}

// find returns the index of the only event of the kind with the access and, if not empty, the text.
func find(t *testing.T, x *exec.Execution, kind exec.EventKind, access string, nth int) int {
	t.Helper()
	for i, e := range x.Events {
		if e.Kind == kind && (e.Access.String() == access || e.Text == access) && (e.Nth == nth || kind != exec.StepEvent) {
			return i
		}
	}
	t.Fatalf("no %s %s #%d in %+v", kind, access, nth, x.Events)
	return -1
}

// TestExecution: a record has everything that happened, with values, messages and order.
func TestExecution(t *testing.T) {
	x := record(t, sim.Config{Races: true}, handOver)
	store := find(t, x, exec.StepEvent, "x store", 1)
	missed := find(t, x, exec.StepEvent, "x cas", 1)
	swapped := find(t, x, exec.StepEvent, "x cas", 2)
	send := find(t, x, exec.StepEvent, "host.conn send", 1)
	recv := find(t, x, exec.StepEvent, "host.conn recv", 1)
	if e := x.Events[store]; e.Read != nil || *e.Wrote != 7 || x.Objects[e.Object].Kind != "segment" || e.Off != 64 || e.Len != 8 {
		t.Errorf("store %+v", e)
	}
	if e := x.Events[missed]; *e.Read != 7 || e.Wrote != nil || !e.Failed {
		t.Errorf("failed swap %+v", e)
	}
	if e := x.Events[swapped]; *e.Read != 7 || *e.Wrote != 8 || e.Failed || e.Message.String() != "taken" {
		t.Errorf("swap %+v", e)
	}
	for _, i := range []int{send, recv} {
		if e := x.Events[i]; e.Message == nil || e.Message.String() != "text is=hello" || x.Objects[e.Object] != (exec.Object{Kind: "channel", Name: "a to b"}) {
			t.Errorf("message %+v in %+v", e, x.Objects)
		}
	}
	note := find(t, x, exec.NoteEvent, "got hello", 0)
	find(t, x, exec.MarkEvent, "read", 0)
	call, ret := find(t, x, exec.CallEvent, "put", 0), find(t, x, exec.ReturnEvent, "done", 0)
	for _, tt := range []struct {
		a, b int
		want bool
	}{
		{store, swapped, true}, {send, note, true}, {call, ret, true}, {swapped, store, false}, {note, send, false}, {send, swapped, true},
	} {
		if got := x.HappensBefore(tt.a, tt.b); got != tt.want {
			t.Errorf("%+v before %+v: %v", x.Events[tt.a], x.Events[tt.b], got)
		}
	}
	if got := x.Events[recv].After; !slices.Equal(got, []int{send}) {
		t.Errorf("the receive comes immediately after %v, want %d", got, send)
	}
	if len(x.History) != 1 || x.History[0].Input != "put" || len(x.Tasks) != 2 || x.Processes[1].Name != "b" || x.Verdict() != exec.Pass {
		t.Errorf("%+v", x)
	}
	if !slices.Equal(x.Events[store].Enabled, []int{0, 1}) {
		t.Errorf("enabled %v", x.Events[store].Enabled)
	}
	if a, ok := x.Pending(store, 1); !ok || a.String() != "host.conn recv" {
		t.Errorf("b was about to %v", a)
	}
	if _, ok := x.Pending(len(x.Events)-1, 0); ok {
		t.Error("a has not finished")
	}
}

// TestExecutionJSON: the JSON form can be read back, and says the same.
func TestExecutionJSON(t *testing.T) {
	x := record(t, sim.Config{Races: true}, handOver)
	text, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), `{"schema":"cutthrough/execution/v1","processes":[{"name":"a"}`) {
		t.Errorf("%.200s", text)
	}
	y := *x
	y.History = nil // values of the program's own types are text in JSON
	if text, err = json.Marshal(&y); err != nil {
		t.Fatal(err)
	}
	var back exec.Execution
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&y, &back); d != "" {
		t.Error(d)
	}
}

// watcher records what an Observer is told.
type watcher struct {
	sim.Default
	steps   []string
	pending []string
}

func (o *watcher) Choose(p *sim.Point) int {
	for i := range p.Tasks() {
		if a, ok := p.Pending(i); ok {
			o.pending = append(o.pending, a.String())
		}
	}
	return 0
}

func (o *watcher) Executed(s sim.Step) { o.steps = append(o.steps, s.Access.String()) }

// TestObserver: a strategy is told every executed step as it was, and sees the pending access of every task.
func TestObserver(t *testing.T) {
	r := sim.NewRunner()
	defer r.Close()
	o := new(watcher)
	if out := r.Run(sim.Config{}, o, handOver); out.Failure != nil {
		t.Fatal(out.Failure)
	}
	want := []string{"task begin", "data write", "data write", "x store", "host.conn send", "task begin", "host.conn recv", "x load", "x cas", "data read", "data read"}
	if !slices.Equal(o.steps, want) {
		t.Errorf("told  %v\nwant  %v", o.steps, want)
	}
	if !slices.Contains(o.pending, "x store") || !slices.Contains(o.pending, "task begin") {
		t.Errorf("saw %v", o.pending)
	}
}
