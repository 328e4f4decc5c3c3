package sim

import (
	"fmt"
	"testing"

	"cutthrough/shm"
	"cutthrough/sim/exec"
)

var (
	pollX = shm.NewName("x")
	pollY = shm.NewName("y")
	pollZ = shm.NewName("z")
)

// after returns what a task has loaded: a letter is a word, its case the value.
func after(text string) *poll {
	q := new(poll)
	for _, c := range text {
		low := uint32(c | 0x20)
		if len(q.loads) == maxLoads {
			q.loads = q.loads[:copy(q.loads, q.loads[1:])]
		}
		q.loads = append(q.loads, loaded{3, 8 * (low - 'a'), uint64(c)})
	}
	return q
}

func TestTurn(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "a": 0, "aaa": 0, "aaaa": 1, "baaaa": 1, "aaab": 0, "aaaA": 0, "Aaaa": 0, "Aaaaa": 1,
		"abababab": 2, "abababa": 0, "bababaab": 0, "xabababab": 2, "abababaB": 0,
		"abcabcabcabc": 3, "abcabcabdabc": 0, "aabaabaabaab": 3,
		"abcdefghabcdefghabcdefghabcdefgh":     8,
		"abcdefghiabcdefghiabcdefghiabcdefghi": 0, // a turn that is too long
	} {
		if got := after(text).turn(); got != want {
			t.Errorf("%q: turn of %d loads, want %d", text, got, want)
		}
	}
}

func TestWatches(t *testing.T) {
	q := after("zabababab")
	q.period = 2
	for _, tt := range []struct {
		object   Object
		off, len uint64
		want     bool
	}{
		{3, 0, 8, true}, {3, 8, 8, true}, {3, 16, 8, false}, {3, 25 * 8, 8, false}, {4, 0, 8, false},
		{3, 15, 1, true}, {3, 16, 100, false}, {3, 0, 100, true}, {3, 4, 4, true},
	} {
		if got := q.watches(&Access{Object: tt.object, Off: tt.off, Len: tt.len}); got != tt.want {
			t.Errorf("a write of %d bytes at %d of object %d: %v, want %v", tt.len, tt.off, tt.object, got, tt.want)
		}
	}
}

// TestPollRule: which task waits for a word to change, and what lets it go on.
func TestPollRule(t *testing.T) {
	type world struct {
		w       *World
		a, b    *Process
		x, y, z shm.Uint64 // as a has them
		u, v    shm.Uint64 // x and y as b has them
	}
	until := func(p *world, words ...shm.Uint64) {
		for n := 0; ; n++ {
			for _, x := range words {
				if x.Load() != 0 {
					p.w.Note("done after %d turns", n)
					return
				}
			}
		}
	}
	busy := func(x shm.Uint64) {
		for range 20 {
			x.Store(1)
		}
	}
	for _, tt := range []struct {
		name  string
		cfg   Config
		a, b  func(p *world)
		want  string // notes
		waits int
	}{
		{"a store to the word", Config{}, func(p *world) { until(p, p.x) }, func(p *world) { p.u.Store(1) }, "[done after 4 turns]", 1},
		{"the first word of a turn", Config{}, func(p *world) { until(p, p.x, p.y) }, func(p *world) { p.u.Store(1) }, "[done after 4 turns]", 1},
		{"a store elsewhere", Config{}, func(p *world) { until(p, p.x) }, func(p *world) { busy(p.v); p.u.Store(1) }, "[done after 4 turns]", 1},
		{"a swap in vain wakes no poller", Config{}, func(p *world) { until(p, p.x) }, func(p *world) { p.u.CompareAndSwap(7, 8); p.u.Store(1) }, "[done after 4 turns]", 1},
		{"time passes", Config{}, func(p *world) { until(p, p.x) }, func(p *world) { p.b.Sleep(5); p.u.Store(1) }, "[done after 4 turns]", 1},
		{"time passes although no other task can go on", Config{}, func(p *world) { p.a.Sleep(1); until(p, p.x) }, func(p *world) { p.b.Sleep(5); p.u.Store(1) }, "[done after 4 turns]", 2},
		{"a loop that also stores", Config{}, func(p *world) {
			for p.x.Load() == 0 {
				if p.z.Add(1) == 30 {
					return
				}
			}
		}, func(p *world) {}, "[]", 0},
		{"a loop that makes calls", Config{}, func(p *world) {
			for n := 0; p.x.Load() == 0 && n < 10; n++ {
				_ = p.a.NewLocalDoorbell(pollX).Ring()
			}
		}, func(p *world) {}, "[]", 0},
		{"a loop that gives up and says so", Config{BoundedLoops: true}, func(p *world) {
			for n := 0; p.x.Load() == 0 && n < 10; n++ {
			}
		}, func(p *world) { p.u.Load() }, "[]", 0},
		{"a loop that gives up", Config{}, func(p *world) {
			for n := 0; p.x.Load() == 0 && n < 10; n++ {
			}
			p.w.Note("gives up")
		}, func(p *world) { p.w.Note("b first") }, "[b first gives up]", 1},
	} {
		r := NewRunner()
		tt.cfg.Record = true
		o := r.Run(tt.cfg, Default{}, func(w *World) {
			p := &world{w: w, a: w.Process("a"), b: w.Process("b")}
			s, err := p.a.CreateSegment(shm.MinSegment)
			if err != nil {
				t.Fatal(err)
			}
			p.x, p.y, p.z = s.Uint64(64, pollX), s.Uint64(72, pollY), s.Uint64(80, pollZ)
			v := p.b.View(s)
			p.u, p.v = v.Uint64(64, pollX), v.Uint64(72, pollY)
			p.a.Go("a", func() { tt.a(p) })
			p.b.Go("b", func() { tt.b(p) })
		})
		r.Close()
		var notes []string
		waits := 0
		for _, e := range o.Execution.Events {
			switch {
			case e.Kind == exec.NoteEvent:
				notes = append(notes, e.Text)
			case e.Kind == exec.WaitEvent && e.Task == 0:
				waits++
			}
		}
		if o.Failure != nil || o.Cut || fmt.Sprint(notes) != tt.want || waits != tt.waits {
			t.Errorf("%s: %v, cut %v, notes %v, want %s; a waited %d times, want %d", tt.name, o.Failure, o.Cut, notes, tt.want, waits, tt.waits)
		}
	}
}
