package scenario

import (
	"fmt"
	"strings"
	"testing"

	"cutthrough/sim/trace"
)

func TestRegistry(t *testing.T) {
	r := Registry{{Name: "fifo"}, {Name: "queue"}}
	if s, err := r.Find("queue"); err != nil || s != r[1] {
		t.Errorf("%v, %v", s, err)
	}
	for name, want := range map[string]string{
		"quene": `unknown scenario "quene": did you mean queue? (there are fifo, queue)`,
		"xyz":   `unknown scenario "xyz" (there are fifo, queue)`,
	} {
		if _, err := r.Find(name); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

var (
	testKeys  = []Key{{Name: "size", Default: 4, Min: 1, Max: 8}, {Name: "faults", Words: FaultClasses()}}
	testVerbs = []Verb{{Name: "write", Procs: []string{"a"}, Args: [][2]int{{0, 9}}}, {Name: "stop", Procs: []string{"a", "b"}}}
)

// TestReadWhatIsWritten: a Builder's input is read back as it was meant, with defaults for the rest.
func TestReadWhatIsWritten(t *testing.T) {
	b := &Builder{Src: &ByteSource{Data: []byte{1}}}
	if n := b.Number("size", 2, 3); n != 3 {
		t.Errorf("drew %d, want 3", n)
	}
	want := []Op{{"a", "write", []int{7}}, {"b", "stop", nil}}
	b.Ops(want)
	cfg, ops, err := ReadInput(b.Input, testKeys, testVerbs)
	if err != nil || cfg.Number("size") != 3 || cfg.Word("faults") != "none" {
		t.Errorf("%v, %v", cfg, err)
	}
	if got := OpsOf(ops, "a"); len(ops) != 2 || len(got) != 1 || got[0].Args[0] != 7 {
		t.Errorf("read %v, want %v", ops, want)
	}
	if cfg, _, err = ReadInput(Input{}, testKeys, testVerbs); err != nil || cfg.Number("size") != 4 {
		t.Errorf("%v, %v", cfg, err)
	}
}

func TestBadInputs(t *testing.T) {
	for _, tt := range []struct {
		want string
		in   Input
	}{
		{"config colour=red: no such key", Input{Config: []trace.KV{{Key: "colour", Value: "red"}}}},
		{"config size=9: want a number from 1 to 8", Input{Config: []trace.KV{{Key: "size", Value: "9"}}}},
		{"config faults=lunch: want one of none, kill, stop, wake, all", Input{Config: []trace.KV{{Key: "faults", Value: "lunch"}}}},
		{"workload operation 1: b write: no such operation", Input{Workload: []trace.Op{{Proc: "b", Verb: "write"}}}},
		{"workload operation 1: a write: has 0 arguments, want 1", Input{Workload: []trace.Op{{Proc: "a", Verb: "write"}}}},
		{"workload operation 1: a write 10: want a number from 0 to 9", Input{Workload: []trace.Op{{Proc: "a", Verb: "write", Args: []string{"10"}}}}},
		{"workload has 257 operations, at most 256", Input{Workload: make([]trace.Op, MaxOps+1)}},
	} {
		if _, _, err := ReadInput(tt.in, testKeys, testVerbs); err == nil || err.Error() != tt.want {
			t.Errorf("%v, want %s", err, tt.want)
		}
	}
}

// TestUnknownKeyPanics: a scenario that asks for a key that it did not declare is wrong.
func TestUnknownKeyPanics(t *testing.T) {
	cfg, _, err := ReadInput(Input{}, testKeys, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if r, ok := recover().(string); !ok || !strings.Contains(r, `"faults"`) {
			t.Errorf("panics with %v", r)
		}
	}()
	cfg.Number("faults")
}

func TestByteSource(t *testing.T) {
	s := &ByteSource{Data: []byte{5, 1, 2}}
	if a, b, c := s.Intn(4, ""), s.Intn(1000, ""), s.Intn(9, ""); a != 1 || b != 258 || c != 0 {
		t.Errorf("%d, %d, %d; want 1, 258, 0", a, b, c)
	}
}

// TestRandIsPinned: seeds are printed and compared, so the generator must give
// the same values everywhere. The first three are the reference values of
// SplitMix64 for seed 1234567.
func TestRandIsPinned(t *testing.T) {
	r := NewRand(1234567)
	for i, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423} {
		if got := r.Uint64(); got != want {
			t.Errorf("value %d is %d, want %d", i, got, want)
		}
	}
	r = NewRand(1)
	var got []int
	for range 8 {
		got = append(got, r.Intn(100))
	}
	if want := "[56 74 97 44 44 76 87 52]"; fmt.Sprint(got) != want {
		t.Errorf("Intn(100): %v, want %s", got, want)
	}
}
