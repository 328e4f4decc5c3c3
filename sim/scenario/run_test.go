package scenario

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/trace"

	"pgregory.net/rapid"
)

var nameX = shm.NewName("x")

// TestRunOnce: one execution, with the interventions that were not met.
func TestRunOnce(t *testing.T) {
	bad := errors.New("bad input")
	s := &Scenario{Compile: func(in Input) (Program, error) {
		if len(in.Workload) > 0 {
			return Program{}, bad
		}
		return Program{Setup: func(w *sim.World) {
			p := w.Process("p")
			seg, err := p.CreateSegment(shm.MinSegment)
			Must(err)
			p.Go("t", func() { seg.Uint64(64, nameX).Store(uint64(w.Choose(nameX, 4))) })
		}}, nil
	}}
	r := sim.NewRunner()
	defer r.Close()
	draw := func(nth int, v uint64) exec.Intervention {
		return exec.Intervention{Task: "t", Name: "x", Op: "choose", Nth: nth, Effect: exec.Effect{Kind: exec.Value, Arg: v}}
	}
	o, unmet, err := s.RunOnce(r, Input{}, []exec.Intervention{draw(2, 1), draw(1, 3), draw(3, 1)}, true)
	if err != nil || !slices.Equal(unmet, []int{0, 2}) || o.Execution == nil {
		t.Errorf("%v, unmet %v, record %v", err, unmet, o.Execution)
	}
	if s := fmt.Sprint(r.Schedule()); s != "[t @ x choose #1 = 3]" {
		t.Errorf("took %s", s)
	}
	if o, _, err = s.RunOnce(r, Input{}, nil, false); err != nil || o.Execution != nil || o.Steps == 0 {
		t.Errorf("%v, %+v", err, o)
	}
	if _, _, err = s.RunOnce(r, Input{Workload: []trace.Op{{}}}, nil, false); !errors.Is(err, bad) {
		t.Error(err)
	}
}

// TestFaultConfig: what each class of faults allows.
func TestFaultConfig(t *testing.T) {
	all := []exec.Kind{exec.Kill, exec.Stop, exec.Resume, exec.AdvanceClock, exec.CorruptRead, exec.Spurious, exec.Delay, exec.Fail, exec.Truncate}
	for class, want := range map[string][]exec.Kind{
		"none": nil, "unheard": nil,
		"kill": {exec.Kill}, "stop": {exec.Stop, exec.Resume}, "wake": {exec.AdvanceClock, exec.Spurious, exec.Delay},
		"all":     {exec.Kill, exec.Stop, exec.Resume, exec.AdvanceClock, exec.Spurious, exec.Delay},
		"hostile": {exec.CorruptRead},
	} {
		c := FaultConfig(class)
		var got []exec.Kind
		for _, k := range all {
			if c.Faults.Has(k) {
				got = append(got, k)
			}
		}
		if !slices.Equal(got, want) || !c.Races || c.MaxFaults != 2 {
			t.Errorf("%s: %v, want %v; %+v", class, got, want, c)
		}
	}
	for _, class := range FaultClasses() {
		if c := FaultConfig(class); (c.Faults == 0) != (class == "none") {
			t.Errorf("%s allows %b", class, c.Faults)
		}
	}
}

// TestBounds: the least and the largest value of a key and of an argument are allowed, the next ones are not.
func TestBounds(t *testing.T) {
	for _, tt := range []struct {
		key, arg string
		want     bool
	}{
		{"1", "0", true}, {"8", "9", true}, {"0", "0", false}, {"9", "0", false}, {"1", "-1", false}, {"1", "10", false},
		{"", "0", false}, {"1", "", false}, {"1x", "0", false}, {"1", "0x1", false},
	} {
		in := work("a", "write", "2", tt.arg)
		in.Config = []trace.KV{{Key: "size", Value: tt.key}}
		if _, _, err := ReadInput(in, testKeys, testVerbs); (err == nil) != tt.want {
			t.Errorf("size=%s, write %s: %v, want allowed %v", tt.key, tt.arg, err, tt.want)
		}
	}
	if _, _, err := ReadInput(Input{Workload: slices.Repeat([]trace.Op{{Proc: "b", Verb: "stop"}}, MaxOps)}, nil, testVerbs); err != nil {
		t.Error(err)
	}
}

// TestBuilder: what is drawn is written, and the first word is the simplest.
func TestBuilder(t *testing.T) {
	b := &Builder{Src: &ByteSource{Data: []byte{2, 0, 1}}}
	got := fmt.Sprintln(b.Word("faults", "none", "kill", "stop"), b.Word("faults", "none", "kill"), b.Number("n", 5, 6), b.Number("m", 7, 8))
	b.Set("flag", true)
	if want := "stop none 6 7\n"; got != want {
		t.Errorf("drew %s, want %s", got, want)
	}
	if s := fmt.Sprint(b.Input.Config); s != "[{faults stop} {faults none} {n 6} {m 7} {flag true}]" {
		t.Error(s)
	}
}

func TestMust(t *testing.T) {
	Must(nil)
	bad := errors.New("bad")
	defer func() {
		if r := recover(); r != bad {
			t.Errorf("panics with %v", r)
		}
	}()
	Must(bad)
}

// TestSourcesStayInRange: whatever a source draws from, a number is in [0, n), and every number comes up.
func TestSourcesStayInRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 1<<20).Draw(t, "n")
		for _, s := range []Source{RandSource{NewRand(rapid.Uint64().Draw(t, "seed"))}, &ByteSource{Data: rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")}} {
			for range 4 {
				if v := s.Intn(n, "number"); v < 0 || v >= n {
					t.Fatalf("%T: %d of %d", s, v, n)
				}
			}
		}
	})
	seen := map[int]int{}
	for r := NewRand(1); len(seen) < 10; seen[r.Intn(10)]++ {
		if seen[0] > 100 {
			t.Fatal(seen)
		}
	}
}

// TestForks: generators forked with different keys, or one after the other, give different values.
func TestForks(t *testing.T) {
	seen := map[uint64]bool{}
	r := NewRand(7)
	for key := range uint64(4) {
		seen[r.Fork(key).Uint64()] = true
		seen[NewRand(7).Fork(key).Uint64()] = true
	}
	if len(seen) != 7 { // the first fork with key 0 is there twice
		t.Errorf("%d different values of 8, want 7", len(seen))
	}
	if a, b := NewRand(9).Fork(3), NewRand(9).Fork(3); a.Uint64() != b.Uint64() {
		t.Error("a fork depends on more than its seed and key")
	}
}
