package evq

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cutthrough/shm"
	"cutthrough/shm/access"
	"cutthrough/shm/internal/shmtest"
)

// queueStates are histories of a queue of four slots before something happens to
// one process: p posts, c takes an event, t posts and is killed before it moves the tail.
var queueStates = []string{
	"", "p", "pc", "pppc", "pppp", "ppppccccpp", "ppppccccpppp",
	"t", "tc", "ppt", "pppt", "ppptc", "ppptcccc", "ppppccccppt",
}

// prepare plays one of queueStates and returns what the queue holds then.
func prepare(tb testing.TB, history string) (*shm.Segment, []Event) {
	tb.Helper()
	seg := queueAt(tb, 4, 4<<24-2)
	p, c := openProducer(tb, seg, 0), openConsumer(tb, seg)
	view, y := shmtest.Hooked(tb, seg)
	dying := openProducer(tb, view, 3)
	y.OnAccess = func(_ int, _ uint64, name shm.Name, op access.Op) {
		if name == nameTail && op == access.CAS {
			panic(shmtest.ErrKilled)
		}
	}
	var inside []Event
	for i, step := range history {
		ev := Event{9, uint32(i)}
		switch step {
		case 'p':
			postEvent(tb, p, ev)
		case 't':
			if !shmtest.Dies(func() { postEvent(tb, dying, ev) }) {
				tb.Fatal("not killed")
			}
		case 'c':
			if got, ok, err := c.Poll(); !ok || err != nil || got != inside[0] {
				tb.Fatal(got, ok, err)
			}
			inside = inside[1:]
			continue
		}
		inside = append(inside, ev)
	}
	return seg, inside
}

func killAt(k int) func(int, uint64, shm.Name, access.Op) {
	return func(n int, _ uint64, _ shm.Name, _ access.Op) {
		if n == k {
			panic(shmtest.ErrKilled)
		}
	}
}

// diffEvents is cmp.Diff, at a price that thousands of executions can pay.
func diffEvents(want, got []Event) string {
	if slices.Equal(want, got) {
		return ""
	}
	return cmp.Diff(want, got)
}

// checkQueue uses a queue that should hold these events, for a few laps.
func checkQueue(tb testing.TB, seg *shm.Segment, want []Event) {
	tb.Helper()
	p, c := openProducer(tb, seg, 1), openConsumer(tb, seg)
	for lap := range uint32(3) {
		for len(want) < 4 {
			ev := Event{2, lap}
			if err := p.Post(ev); err != nil {
				tb.Fatalf("post with %d events inside: %v", len(want), err)
			}
			want = append(want, ev)
		}
		if err := p.Post(Event{2, 99}); err != ErrFull {
			tb.Fatalf("post to a full queue: %v", err)
		}
		if diff := diffEvents(want, poll(tb, c)); diff != "" {
			tb.Fatal(diff)
		}
		want = nil
	}
}

// TestQueueProducerKilled kills a producer before each access of TrySend. The event is
// in the queue or not, and no other process notices.
func TestQueueProducerKilled(t *testing.T) {
	for _, st := range queueStates {
		t.Run(fmt.Sprintf("after %q", st), func(t *testing.T) {
			published := map[bool]int{}
			for k, died := 1, true; died; k++ {
				seg, want := prepare(t, st)
				if len(want) == 0 {
					openConsumer(t, seg).ArmNonEmpty()
				}
				view, y := shmtest.Hooked(t, seg)
				bell := &countBell{}
				w := Writer{Queue: openProducer(t, view, 3), Peer: bell, Bell: bell, Now: noTime}
				y.OnAccess = killAt(k)
				died = shmtest.Dies(func() { _ = w.TrySend(Event{3, 3}) })

				full := len(want) == 4
				events := poll(t, openConsumer(t, seg))
				if len(events) > len(want) {
					want = append(want, Event{3, 3})
				}
				if diff := diffEvents(want, events); diff != "" {
					t.Fatalf("killed before access %d: %s", k, diff)
				}
				published[events != nil && events[len(events)-1].Kind == 3]++
				if !died && full == (published[true] > 0) {
					t.Fatalf("full %v, published in %d of %d runs", full, published[true], k)
				}
				checkQueue(t, seg, nil)
			}
		})
	}
}

// TestQueueConsumerKilled kills the consumer before each access of TryRecv. The next
// one goes on where it was: an event is there, or was taken.
func TestQueueConsumerKilled(t *testing.T) {
	for _, st := range queueStates {
		for k, died := 1, true; died; k++ {
			seg, want := prepare(t, st)
			view, y := shmtest.Hooked(t, seg)
			r := Reader{Queue: openConsumer(t, view), Bell: &countBell{}, Now: noTime}
			y.OnAccess = killAt(k)
			died = shmtest.Dies(func() { _, _, _ = r.TryRecv() })
			y.OnAccess = nil
			left := len(poll(t, openConsumer(t, seg)))
			if taken := len(want) - left; taken < 0 || taken > 1 || taken == 1 && died && k < 3 {
				t.Fatalf("after %q, killed before access %d: %d events of %d are left", st, k, left, len(want))
			}
			checkQueue(t, seg, nil)
		}
	}
}

// TestPostOvertaken stops a producer before each access of Post while others post and
// poll, and lets it go on.
func TestPostOvertaken(t *testing.T) {
	for _, st := range queueStates {
		for posts := range 6 {
			for polls := range 6 {
				for k, accesses := 1, 1; k <= accesses; k++ {
					seg, want := prepare(t, st)
					other, c := openProducer(t, seg, 1), openConsumer(t, seg)
					var got []Event
					view, y := shmtest.Hooked(t, seg)
					slow := openProducer(t, view, 2)
					y.OnAccess = func(n int, _ uint64, _ shm.Name, _ access.Op) {
						if accesses = n; n != k {
							return
						}
						for n := range max(posts, polls) {
							if n < polls {
								if ev, ok, err := c.Poll(); ok {
									got = append(got, ev)
								} else if err != nil {
									t.Fatal(err)
								}
							}
							if n < posts && other.Post(Event{1, uint32(n)}) == nil {
								want = append(want, Event{1, uint32(n)})
							}
						}
					}
					err := slow.Post(Event{2, 2})
					if err != nil && err != ErrFull {
						t.Fatal(err)
					}
					got = append(got, poll(t, c)...)
					mine := slices.Index(got, Event{2, 2})
					if (mine >= 0) != (err == nil) {
						t.Fatalf("after %q, %d posts and %d polls before access %d: %v, and got %v", st, posts, polls, k, err, got)
					}
					if mine >= 0 {
						got = slices.Delete(got, mine, mine+1)
					}
					if diff := diffEvents(want, got); diff != "" {
						t.Fatalf("after %q, %d posts and %d polls before access %d: %s", st, posts, polls, k, diff)
					}
					checkQueue(t, seg, nil)
				}
			}
		}
	}
}

// TestPostAfterAllLaps stops a producer inside Post for exactly 2^24 laps, which the
// lap of a slot cannot tell from none. Its event is neither lost nor doubled.
func TestPostAfterAllLaps(t *testing.T) {
	seg := queueAt(t, 4, 0)
	view, y := shmtest.Hooked(t, seg)
	slow := openProducer(t, view, 0)
	y.OnAccess = func(n int, _ uint64, _ shm.Name, op access.Op) {
		if n == 2 { // after the tail was read
			initQueueAt(t, seg, 4, 4<<24-2)
		}
	}
	if err := slow.Post(Event{2, 2}); err != nil {
		t.Fatal(err)
	}
	c := openConsumer(t, seg)
	post(t, openProducer(t, seg, 1), 0, 1, 3)
	want := []Event{{1, 0}, {1, 1}, {2, 2}, {1, 3}}
	if diff := diffEvents(want, poll(t, c)); diff != "" {
		t.Error(diff)
	}
	checkQueue(t, seg, nil)
}

// TestWakeLate stops a producer inside Wake, after its ring, while the consumer is
// replaced and its successor goes to sleep as often as it did: the next event rings.
func TestWakeLate(t *testing.T) {
	seg := queueAt(t, 1, 0)
	sleep := func() {
		if openConsumer(t, seg).ArmNonEmpty() {
			t.Fatal("ready but empty")
		}
	}
	sleep()
	view, y := shmtest.Hooked(t, seg)
	y.OnAccess = func(_ int, _ uint64, _ shm.Name, op access.Op) {
		if op == access.CAS {
			sleep()
		}
	}
	bell := &countBell{}
	for want := range 2 {
		if err := openProducer(t, view, 0).Wake(bell); err != nil || bell.rings != want+1 {
			t.Fatal(bell.rings, err)
		}
	}
}

// TestQueueFetches counts loads: no word twice in an attempt, which begins with a
// look at the tail, and the geometry never.
func TestQueueFetches(t *testing.T) {
	bell := &countBell{}
	for _, st := range queueStates {
		for name, do := range map[string]func(p *Producer, c *Consumer){
			"Post":              func(p *Producer, _ *Consumer) { _ = p.Post(Event{1, 1}) },
			"Wake":              func(p *Producer, _ *Consumer) { _ = p.Wake(bell) },
			"ArmSpace":          func(p *Producer, _ *Consumer) { _, _ = p.ArmSpace(bell) },
			"Poll":              func(_ *Producer, c *Consumer) { _, _, _ = c.Poll() },
			"ArmNonEmpty":       func(_ *Producer, c *Consumer) { c.ArmNonEmpty() },
			"TakeSpaceWaiters":  func(_ *Producer, c *Consumer) { c.TakeSpaceWaiters() },
			"OpenQueueConsumer": func(_ *Producer, c *Consumer) { openConsumer(t, c.seg) },
		} {
			seg, _ := prepare(t, st)
			openProducer(t, seg, 1).want.Store(2)
			view, y := shmtest.Hooked(t, seg)
			p, c := openProducer(t, view, 0), openConsumer(t, view)
			loads := map[uint64]int{}
			y.OnAccess = func(_ int, off uint64, word shm.Name, op access.Op) {
				if word == nameGeom && name != "OpenQueueConsumer" {
					t.Errorf("%s, after %q: %s %s after open", name, st, word, op)
				}
				if op != access.Load {
					return
				}
				if word == nameTail {
					clear(loads)
				}
				if loads[off]++; loads[off] > 1 {
					t.Errorf("%s, after %q: %s at %#x loaded %d times", name, st, word, off, loads[off])
				}
			}
			if do(p, c); y.Count == 0 {
				t.Error("nothing was tested")
			}
		}
	}
}
