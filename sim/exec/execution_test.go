package exec

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func word(v uint64) *uint64 { return &v }

// twoTasks is an execution of two tasks: a publishes, b reads it; then a waits, and b is killed.
func twoTasks() *Execution {
	x := Access{Name: "x", Op: "store", Object: 3, Off: 64, Len: 8}
	load := Access{Name: "x", Op: "load", Object: 3, Off: 64, Len: 8}
	cas := Access{Name: "x", Op: "cas", Object: 3, Off: 64, Len: 8}
	data := Access{Name: "data", Op: "write", Object: 3, Off: 128, Len: 4}
	bell := Access{Name: "bell", Op: "block", Object: 4}
	send := Access{Name: "conn", Op: "send", Object: 5}
	return &Execution{
		Schema:    Schema,
		Processes: []Process{{Name: "p"}, {Name: "q", Killed: true}},
		Tasks:     []Task{{Name: "a", State: Waiting, At: bell}, {Name: "b", Process: 1, State: Killed, At: data}, {Name: "c", State: Finished}},
		Objects:   []Object{{Kind: "none"}, {Kind: "clock"}, {Kind: "directory"}, {Kind: "segment"}, {Kind: "bell", Name: "bell"}, {Kind: "channel", Name: "p to q"}},
		Events: []Event{
			{Kind: StepEvent, Task: 0, Step: 1, Access: data, Nth: 1, Clock: []uint32{1, 0, 0}, Enabled: []int{0, 1}},
			{Kind: StepEvent, Task: 1, Step: 2, Access: load, Nth: 1, Read: word(0), Clock: []uint32{0, 1, 0}},
			{Kind: StepEvent, Task: 0, Step: 3, Access: x, Nth: 1, Wrote: word(1 << 20), Clock: []uint32{1, 0, 0}},
			{Kind: InterventionEvent, Task: 0, Access: send, Nth: 1, Effect: &Effect{Kind: Switch, Target: "b"}},
			{Kind: StepEvent, Task: 1, Step: 4, Access: load, Nth: 2, Read: word(1 << 20), Clock: []uint32{1, 1, 0}},
			{Kind: StepEvent, Task: 1, Step: 5, Access: cas, Nth: 1, Read: word(7), Failed: true, Clock: []uint32{1, 1, 0}},
			{Kind: NoteEvent, Task: 1, Text: "a note", Clock: []uint32{1, 1, 0}},
			{Kind: StepEvent, Task: 0, Step: 6, Access: send, Nth: 1, Message: &Message{"hello", []Field{{"to", "q"}, {"n", "1"}}}, Clock: []uint32{2, 0, 0}},
			{Kind: WaitEvent, Task: 0, Access: bell, Clock: []uint32{3, 0, 0}},
			{Kind: InterventionEvent, Task: 0, Access: bell, Nth: 1, Effect: &Effect{Kind: Kill}},
			{Kind: MarkEvent, Task: -1, Text: "mark"},
		},
		Interventions: []Intervention{{"a", "conn", "send", 1, Effect{Kind: Switch, Target: "b"}}},
		Failure:       &Failure{Property: NoDeadlock, Message: "a waits for ever", Task: "a", Step: 6},
		Steps:         6, Faults: 1, Digest: 0xabc,
	}
}

func TestPending(t *testing.T) {
	x := twoTasks()
	for _, tt := range []struct {
		event, task int
		want        string
		ok          bool
	}{
		{0, 0, "data write", true}, {1, 0, "x store", true}, {3, 0, "conn send", true}, {8, 0, "bell block", true},
		{0, 1, "x load", true}, {5, 1, "x cas", true}, {6, 1, "data write", false}, {0, 2, " ", false},
	} {
		if a, ok := x.Pending(tt.event, tt.task); a.String() != tt.want || ok != tt.ok {
			t.Errorf("at event %d task %d is about to do %q, %v, want %q, %v", tt.event, tt.task, a, ok, tt.want, tt.ok)
		}
	}
}

func TestHappensBefore(t *testing.T) {
	x := twoTasks()
	for _, tt := range []struct {
		a, b int
		want bool
	}{
		{0, 2, true}, {2, 0, false}, {0, 0, false}, // of one task
		{0, 1, false}, {1, 2, false}, {1, 0, false}, // not ordered
		{0, 4, true}, {2, 4, true}, {4, 2, false}, {0, 6, true}, // published
		{7, 6, false}, {1, 7, false}, {4, 8, false},
		{10, 4, false}, {4, 10, false}, // of no task
		{3, 4, false}, {2, 9, true}, // without clocks: within a task only
	} {
		if got := x.HappensBefore(tt.a, tt.b); got != tt.want {
			t.Errorf("event %d before event %d: %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}

// TestLink: an event comes immediately after the last events of other tasks that are news to its task.
func TestLink(t *testing.T) {
	x := twoTasks()
	x.Events = append(x.Events, Event{Kind: StepEvent, Task: 0, Step: 7, Access: Access{Name: "x", Op: "load"}, Clock: []uint32{4, 2, 0}})
	x.Link()
	want := map[int][]int{4: {2}, 11: {6}}
	for i, e := range x.Events {
		if !slices.Equal(e.After, want[i]) {
			t.Errorf("event %d comes after %v, want %v", i, e.After, want[i])
		}
	}
}

func TestFirstDifference(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(x *Execution)
		step   int
		want   string
	}{
		{"none", func(*Execution) {}, 0, ""},
		{"numbers of the end", func(x *Execution) { x.Digest++; x.Steps++ }, 0, ""},
		{"value", func(x *Execution) { x.Events[2].Wrote = word(2) }, 3, "step 3: a @ x store := 0x100000 at byte 64 in one execution, a @ x store := 2 at byte 64 in another"},
		{"task", func(x *Execution) { x.Events[1].Task = 2 }, 2, "step 2: b @ x load = 0 at byte 64 in one execution, c @ x load = 0 at byte 64 in another"},
		{"offset", func(x *Execution) { x.Events[1].Off = 72 }, 2, "a"},
		{"intervention", func(x *Execution) { x.Events[3].Effect = &Effect{Kind: Stop} }, 3, "a @ conn send #1 -> b in one execution, a @ conn send #1 stop in another"},
		{"note", func(x *Execution) { x.Events[6].Text = "another" }, 5, "a note in one execution"},
		{"message", func(x *Execution) { x.Events[7].Message.Name = "bye" }, 6, "bye to=q n=1 in another"},
		{"shorter", func(x *Execution) { x.Events = x.Events[:8] }, 6, "a: wait bell block in one execution, nothing in another"},
		{"empty", func(x *Execution) { x.Events = nil }, 1, "a @ data write 4 bytes at byte 128 in one execution, nothing in another"},
		{"mark", func(x *Execution) { x.Events[10].Text = "other" }, 6, "no task: mark"},
	} {
		x, y := twoTasks(), twoTasks()
		tt.change(y)
		step, text := FirstDifference(x, y)
		if step != tt.step || !strings.Contains(text, tt.want) || (text == "") != (tt.want == "") {
			t.Errorf("%s: step %d, %s, want step %d, %s", tt.name, step, text, tt.step, tt.want)
		}
		if back, _ := FirstDifference(y, x); back != step {
			t.Errorf("%s: step %d the other way round, not %d", tt.name, back, step)
		}
	}
}

// TestJSON: the form that other programs read.
func TestJSON(t *testing.T) {
	x := twoTasks()
	x.History = []Operation{{Client: 1, Call: 1, Return: 4, Input: []int{1, 2}, Output: true}, {Client: 0, Call: 2, Input: "get", Pending: true}}
	text, err := json.MarshalIndent(x, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "execution.json", string(text)+"\n")
	x.History = nil
	if text, err = json.Marshal(x); err != nil {
		t.Fatal(err)
	}
	var back Execution
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(x, &back); d != "" {
		t.Error(d)
	}
	for _, bad := range []string{`{"digest":"xyz"}`, `{"digest":"11112222333344445"}`, `{"interventions":[{"effect":{"kind":"explode"}}]}`} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

var update = flag.Bool("update", false, "write the files in testdata")

// golden compares text with a file in testdata, which -update writes.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), text); d != "" {
		t.Errorf("%s: %s", path, d)
	}
}

func TestOperationString(t *testing.T) {
	for want, o := range map[string]Operation{
		"client 1 [2, 5] get -> 7":       {Client: 1, Call: 2, Return: 5, Input: "get", Output: 7},
		"client 0 [3, ?] put -> pending": {Call: 3, Input: "put", Pending: true},
	} {
		if got := o.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestVerdict(t *testing.T) {
	x := twoTasks()
	if x.Verdict() != NoDeadlock || !x.Failure.Liveness() || x.Failure.String() != "NoDeadlock: a waits for ever" {
		t.Error(x.Verdict(), x.Failure)
	}
	for _, p := range []string{NoLostWakeup, NoLivelock, NoHang} {
		if !(Failure{Property: p}).Liveness() {
			t.Errorf("%s is about liveness", p)
		}
	}
	for _, p := range []string{NoRace, NoLeak, NoPanic, Determinism, "Stream"} {
		if (Failure{Property: p}).Liveness() {
			t.Errorf("%s is not about liveness", p)
		}
	}
	if x.Failure = nil; x.Verdict() != Pass {
		t.Error(x.Verdict())
	}
}
