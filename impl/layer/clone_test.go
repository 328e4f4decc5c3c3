package layer

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cutthrough/impl/layer/segments"
)

// same says whether two layers are in the same state; what the last Step returned is not of it.
func same(a, b *Core) bool {
	a.out, b.out = nil, nil
	return reflect.DeepEqual(a, b)
}

// TestCloneStepsAlike: whatever happened before, a copy of a layer does with the same events what the original does, and is in the
// same state after each.
func TestCloneStepsAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRig(t, Config{SegmentSize: 4 * segments.Page, FifoSize: 1000, QueueSlots: 4, MaxSessions: 8, Linger: time.Second})
		r.acts()
		clone := r.l.Clone()
		if !same(r.l, clone) {
			t.Fatal("a fresh copy differs")
		}
		r.watch = func(ev Event, effects []Effect) {
			effects = append([]Effect{}, effects...) // the next step reuses them
			if got := append([]Effect{}, clone.Step(ev)...); !reflect.DeepEqual(got, effects) {
				t.Fatalf("%+v\nthe copy wants %+v\nthe original %+v", ev, got, effects)
			}
			if !same(r.l, clone) {
				t.Fatalf("after %+v the states differ", ev)
			}
		}
		r.acts()
	})
}

// TestCloneIsIndependent: what happens to the original changes nothing in a copy, nor the other way round.
func TestCloneIsIndependent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRig(t, Config{SegmentSize: 4 * segments.Page, FifoSize: 1000, QueueSlots: 4, MaxSessions: 8})
		r.acts()
		clone, frozen := r.l.Clone(), r.l.Clone()
		r.acts()
		if !same(clone, frozen) {
			t.Fatal("a copy changed with the original")
		}
		original := r.l.Clone()
		for ch := range Channel(8) {
			clone.Step(Event{Kind: EventGone, Channel: ch, Now: 100 * time.Second})
		}
		if !same(r.l, original) {
			t.Fatal("the original changed with a copy")
		}
		if err := clone.CheckInvariants(); err != nil {
			t.Fatal(err)
		}
	})
}
