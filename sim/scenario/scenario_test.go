package scenario

import (
	"fmt"
	"slices"
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

type (
	write  struct{ stream, bytes int }
	ending struct{ how string }
	stop   struct{}
)

var (
	testKeys  = []Key{{Name: "size", Default: 4, Min: 1, Max: 8}, {Name: "faults", Words: FaultClasses()}}
	testVerbs = Verbs{
		VerbOf("write", []string{"a"}, write{},
			Number("stream", 0, 2, func(w *write) *int { return &w.stream }),
			Number("bytes", 0, 9, func(w *write) *int { return &w.bytes })),
		VerbOf("write", []string{"b"}, write{stream: 2}, Number("bytes", 5, 9, func(w *write) *int { return &w.bytes })),
		VerbOf("close", []string{"a", "b"}, ending{"close"}),
		VerbOf("reset", []string{"a", "b"}, ending{"reset"}),
		VerbOf("stop", []string{"a", "b"}, stop{}),
	}
)

// TestReadWhatIsWritten: a Builder's input is read back as it was meant, with defaults for the rest.
func TestReadWhatIsWritten(t *testing.T) {
	b := &Builder{Src: &ByteSource{Data: []byte{1}}, Verbs: testVerbs}
	if n := b.Number("size", 2, 3); n != 3 {
		t.Errorf("drew %d, want 3", n)
	}
	want := []Op{{"a", write{1, 7}}, {"b", write{2, 7}}, {"b", stop{}}, {"b", ending{"reset"}}, {"a", ending{"close"}}}
	for _, o := range want {
		b.Op(o.Proc, o.Do)
	}
	if got := fmt.Sprint(b.Input.Workload); got != "[a write 1 7 b write 7 b stop b reset a close]" {
		t.Errorf("wrote %s", got)
	}
	cfg, ops, err := ReadInput(b.Input, testKeys, testVerbs)
	if err != nil || cfg.Number("size") != 3 || cfg.Word("faults") != "none" {
		t.Errorf("%v, %v", cfg, err)
	}
	if !slices.Equal(ops, want) {
		t.Errorf("read %v, want %v", ops, want)
	}
	if got := OpsOf[any](ops, "a"); !slices.Equal(got, []any{write{1, 7}, ending{"close"}}) {
		t.Errorf("of a: %v", got)
	}
	if got := OpsOf[write](ops[1:2], "b"); len(got) != 1 || got[0].bytes != 7 || OpsOf[write](ops, "c") != nil {
		t.Errorf("of b: %v", got)
	}
	if cfg, _, err = ReadInput(Input{}, testKeys, testVerbs); err != nil || cfg.Number("size") != 4 {
		t.Errorf("%v, %v", cfg, err)
	}
}

// TestTextPanics: an operation that no verb of the process has is a mistake of the scenario.
func TestTextPanics(t *testing.T) {
	for _, o := range []Op{{"c", stop{}}, {"a", "stop"}, {"a", &stop{}}, {"b", write{1, 7}}, {"a", ending{"detach"}}} {
		func() {
			defer func() {
				if r, ok := recover().(string); !ok || !strings.HasPrefix(r, "scenario: "+o.Proc+" has no verb for ") {
					t.Errorf("%v panics with %v", o, r)
				}
			}()
			testVerbs.Text(o.Proc, o.Do)
		}()
	}
}

func work(proc, verb string, args ...string) Input {
	return Input{Workload: []trace.Op{{Proc: proc, Verb: verb, Args: args}}}
}

func TestBadInputs(t *testing.T) {
	for _, tt := range []struct {
		want string
		in   Input
	}{
		{"config colour=red: no such key", Input{Config: []trace.KV{{Key: "colour", Value: "red"}}}},
		{"config size=9: want a number from 1 to 8", Input{Config: []trace.KV{{Key: "size", Value: "9"}}}},
		{"config faults=lunch: want one of none, kill, stop, wake, all", Input{Config: []trace.KV{{Key: "faults", Value: "lunch"}}}},
		{"workload operation 1: c write: no such operation", work("c", "write", "7")},
		{"workload operation 1: a write: has 1 arguments, want 2", work("a", "write", "1")},
		{"workload operation 1: a write: has 3 arguments, want 2", work("a", "write", "1", "2", "3")},
		{"workload operation 1: a write 1 10: bytes is 10, want a number from 0 to 9", work("a", "write", "1", "10")},
		{"workload operation 1: a write x 7: stream is x, want a number from 0 to 2", work("a", "write", "x", "7")},
		{"workload operation 1: b write 4: bytes is 4, want a number from 5 to 9", work("b", "write", "4")},
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
