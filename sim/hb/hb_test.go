package hb

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestEdges: which accesses order which.
func TestEdges(t *testing.T) {
	for _, tt := range []struct {
		name  string
		steps func(e *Engine, v *Var) // between a write by task 0 and one by task 1
		want  bool
	}{
		{"nothing", func(*Engine, *Var) {}, false},
		{"store, load", func(e *Engine, v *Var) { e.Publish(0, v); e.Acquire(1, v) }, true},
		{"load before store", func(e *Engine, v *Var) { e.Acquire(1, v); e.Publish(0, v) }, false},
		{"store over a store", func(e *Engine, v *Var) { e.Publish(0, v); e.Publish(2, v); e.Acquire(1, v) }, false},
		{"update continues a release sequence", func(e *Engine, v *Var) { e.Publish(0, v); e.Update(2, v); e.Acquire(1, v) }, true},
		{"release adds", func(e *Engine, v *Var) { e.Release(0, v); e.Release(2, v); e.Acquire(1, v) }, true},
		{"message", func(e *Engine, _ *Var) { e.Join(1, e.Snapshot(0)) }, true},
		{"transitive", func(e *Engine, v *Var) {
			var u Var
			e.Publish(0, v)
			e.Acquire(2, v)
			e.Publish(2, &u)
			e.Acquire(1, &u)
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var e Engine
			e.Reset(3)
			for range 3 {
				e.Start(-1)
			}
			s, v := NewShadow(8), new(Var)
			if c, ok := s.Write(&e, 0, 0, 8, 7); !ok {
				t.Fatal(c)
			}
			tt.steps(&e, v)
			c, ok := s.Write(&e, 1, 4, 2, 8)
			if ok != tt.want || !ok && (c != Conflict{4, 0, 7}) {
				t.Errorf("ordered %v, want %v; conflict %+v", ok, tt.want, c)
			}
			e.Reset(3)
			s.Reset()
			for range 3 {
				e.Start(-1)
			}
			if e.Acquire(1, v); !slices.Equal(e.Clock(1), Clock{0, 1, 0}) {
				t.Errorf("a Var remembers an execution that is over: %v", e.Clock(1))
			}
		})
	}
}

// TestStart: what a parent did before it started a task is ordered before the task, what it does after is not.
func TestStart(t *testing.T) {
	var e Engine
	e.Reset(2)
	s := NewShadow(2)
	parent := e.Start(-1)
	s.Write(&e, parent, 0, 1, 1)
	child := e.Start(parent)
	s.Write(&e, parent, 1, 1, 2)
	if c, ok := s.Read(&e, child, 0, 1, 3); !ok {
		t.Errorf("before the start: %+v", c)
	}
	if c, ok := s.Read(&e, child, 1, 1, 4); ok || c.At != 2 {
		t.Errorf("after the start: %v %+v", ok, c)
	}
}

// TestShadowAgreesWithDefinition plays random accesses and compares the shadow with the definition of a race: two accesses to one
// byte, one of them a write, neither before the other.
func TestShadowAgreesWithDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const tasks = 3
		var e Engine
		e.Reset(tasks)
		var vars [2]Var
		for range tasks {
			e.Start(-1)
		}
		type access struct {
			task  int
			epoch uint32
			off   uint64
			write bool
		}
		var past []access
		s := NewShadow(3)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			task := rapid.IntRange(0, tasks-1).Draw(t, "task")
			switch v := &vars[rapid.IntRange(0, 1).Draw(t, "var")]; rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				e.Publish(task, v)
			case 1:
				e.Acquire(task, v)
			case 2:
				e.Update(task, v)
			default:
				a := access{task, e.Clock(task)[task], rapid.Uint64Range(0, 2).Draw(t, "off"), rapid.Bool().Draw(t, "write")}
				want := !slices.ContainsFunc(past, func(p access) bool {
					return p.off == a.off && (p.write || a.write) && p.task != task && e.Clock(task)[p.task] < p.epoch
				})
				check := s.Read
				if a.write {
					check = s.Write
				}
				if c, ok := check(&e, task, a.off, 1, 0); ok != want {
					t.Fatalf("%+v after %+v: ordered %v, want %v (%+v)", a, past, ok, want, c)
				} else if !ok {
					return // what comes after a race is not defined
				}
				past = append(past, a)
			}
		}
	})
}

// TestSharedReaders: of several readers, a write must come after each.
func TestSharedReaders(t *testing.T) {
	for _, ordered := range []int{0, 1, 2} { // the reader that the writer does not know of
		var e Engine
		e.Reset(4)
		for range 4 {
			e.Start(-1)
		}
		s := NewShadow(1)
		for reader := range 3 {
			s.Read(&e, reader, 0, 1, Site(reader))
			if reader != ordered {
				e.Join(3, e.Snapshot(reader))
			}
		}
		if c, ok := s.Write(&e, 3, 0, 1, 9); ok || c.Task != ordered {
			t.Errorf("a write not after the read of task %d: %v %+v", ordered, ok, c)
		}
	}
}

// TestShadowAfterAWrite: a later access conflicts with the write, not with reads that the write came after.
func TestShadowAfterAWrite(t *testing.T) {
	var e Engine
	e.Reset(3)
	for range 3 {
		e.Start(-1)
	}
	s := NewShadow(1)
	s.Read(&e, 0, 0, 1, 1)
	e.Join(1, e.Snapshot(0))
	s.Write(&e, 1, 0, 1, 2)
	after := e.Snapshot(1)
	e.Reset(3) // clocks in which the reader is unknown to the last task
	for range 3 {
		e.Start(-1)
	}
	e.Join(2, Clock{0, after[1], 0})
	if c, ok := s.Write(&e, 2, 0, 1, 3); !ok {
		t.Errorf("a write after the last write: %+v", c)
	}
}
