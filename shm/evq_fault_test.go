package shm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// queueStates are histories of a queue of four slots before something happens to
// one process: p posts, c takes an event, t posts and is killed before it moves the tail.
var queueStates = []string{
	"", "p", "pc", "pppc", "pppp", "ppppccccpp", "ppppccccpppp",
	"t", "tc", "ppt", "pppt", "ppptc", "ppptcccc", "ppppccccppt",
}

// prepare plays one of queueStates and returns what the queue holds then.
func prepare(tb testing.TB, history string) (*Segment, []Event) {
	tb.Helper()
	seg := queueAt(tb, 4, 4<<24-2)
	p, c := openProducer(tb, seg, 0), openConsumer(tb, seg)
	view, y := hooked(tb, seg)
	dying := openProducer(tb, view, 3)
	y.hook = func(_ int, _ uint64, name Name, op Op) {
		if name == nameEvqTail && op == OpCAS {
			panic(killed)
		}
	}
	var inside []Event
	for i, step := range history {
		ev := Event{9, uint32(i)}
		switch step {
		case 'p':
			postEvent(tb, p, ev)
		case 't':
			if !dies(func() { postEvent(tb, dying, ev) }) {
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

func killAt(k int) func(int, uint64, Name, Op) {
	return func(n int, _ uint64, _ Name, _ Op) {
		if n == k {
			panic(killed)
		}
	}
}

func diffEvents(want, got []Event) string { return cmp.Diff(want, got, cmpopts.EquateEmpty()) }

// checkQueue uses a queue that should hold these events, for a few laps.
func checkQueue(tb testing.TB, seg *Segment, want []Event) {
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
// in the queue or not, and nobody else notices.
func TestQueueProducerKilled(t *testing.T) {
	for _, st := range queueStates {
		t.Run(fmt.Sprintf("after %q", st), func(t *testing.T) {
			published := map[bool]int{}
			for k, died := 1, true; died; k++ {
				seg, want := prepare(t, st)
				if len(want) == 0 {
					openConsumer(t, seg).ArmNonEmpty()
				}
				view, y := hooked(t, seg)
				bell := &countBell{}
				w := QueueWriter{Queue: openProducer(t, view, 3), Peer: bell, Bell: bell, Now: noTime}
				y.hook = killAt(k)
				died = dies(func() { _ = w.TrySend(Event{3, 3}) })

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
			view, y := hooked(t, seg)
			r := QueueReader{Queue: openConsumer(t, view), Bell: &countBell{}, Now: noTime}
			y.hook = killAt(k)
			died = dies(func() { _, _, _ = r.TryRecv() })
			y.hook = nil
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
					view, y := hooked(t, seg)
					slow := openProducer(t, view, 2)
					y.hook = func(n int, _ uint64, _ Name, _ Op) {
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
	view, y := hooked(t, seg)
	slow := openProducer(t, view, 0)
	y.hook = func(n int, _ uint64, _ Name, op Op) {
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

// TestQueueFetches counts loads: no word twice in an attempt, which begins with a
// look at the tail, and the geometry never.
func TestQueueFetches(t *testing.T) {
	bell := &countBell{}
	for _, st := range queueStates {
		for name, do := range map[string]func(p *QueueProducer, c *QueueConsumer){
			"Post":              func(p *QueueProducer, _ *QueueConsumer) { _ = p.Post(Event{1, 1}) },
			"Wake":              func(p *QueueProducer, _ *QueueConsumer) { _ = p.Wake(bell) },
			"ArmSpace":          func(p *QueueProducer, _ *QueueConsumer) { _, _ = p.ArmSpace(bell) },
			"Poll":              func(_ *QueueProducer, c *QueueConsumer) { _, _, _ = c.Poll() },
			"ArmNonEmpty":       func(_ *QueueProducer, c *QueueConsumer) { c.ArmNonEmpty() },
			"TakeSpaceWaiters":  func(_ *QueueProducer, c *QueueConsumer) { c.TakeSpaceWaiters() },
			"OpenQueueConsumer": func(_ *QueueProducer, c *QueueConsumer) { openConsumer(t, c.seg) },
		} {
			seg, _ := prepare(t, st)
			openProducer(t, seg, 1).want.Store(2)
			view, y := hooked(t, seg)
			p, c := openProducer(t, view, 0), openConsumer(t, view)
			loads := map[uint64]int{}
			y.hook = func(_ int, off uint64, word Name, op Op) {
				if word == nameEvqGeom && name != "OpenQueueConsumer" {
					t.Errorf("%s, after %q: %s %s after open", name, st, word, op)
				}
				if op != OpLoad {
					return
				}
				if word == nameEvqTail {
					clear(loads)
				}
				if loads[off]++; loads[off] > 1 {
					t.Errorf("%s, after %q: %s at %#x loaded %d times", name, st, word, off, loads[off])
				}
			}
			if do(p, c); y.n == 0 {
				t.Error("nothing was tested")
			}
		}
	}
}

// queueHost uses a queue whose memory a hostile peer changes, and checks what must hold
// whatever it writes.
type queueHost struct {
	tb      testing.TB
	y       *hookYielder
	w       QueueWriter
	r       QueueReader
	opening bool // the geometry may say that the queue is larger than it was
}

// newQueueHost calls poke before each access.
func newQueueHost(tb testing.TB, seg *Segment, slots uint32, poke func()) *queueHost {
	view, y := hooked(tb, seg)
	bell := &countBell{}
	h := &queueHost{tb: tb, y: y}
	h.w = QueueWriter{Queue: openProducer(tb, view, 5), Peer: bell, Bell: bell, Now: noTime}
	h.r = QueueReader{Queue: openConsumer(tb, view), Peers: []Doorbell{nil, bell}, Bell: bell, Now: noTime}
	y.hook = func(n int, off uint64, name Name, op Op) {
		if n > 5*maxRetries {
			tb.Fatalf("%d accesses: it hangs", n)
		}
		if off < testQueueOff || off >= testQueueOff+QueueBytes(slots) && !h.opening {
			tb.Fatalf("%s %s at %#x, outside the queue", name, op, off)
		}
		poke()
	}
	return h
}

// do performs one of eight operations and returns its error.
func (h *queueHost) do(op, arg byte) error {
	h.y.n = 0
	var ev Event
	var ok bool
	var err error
	switch op % 8 {
	case 0:
		err = h.w.TrySend(Event{arg | 1, uint32(arg)})
	case 1:
		err = h.w.Send(Event{arg | 1, uint32(arg)}, 0)
	case 2:
		_, err = h.w.Queue.ArmSpace(h.w.Peer)
	case 3:
		ev, ok, err = h.r.TryRecv()
	case 4:
		ev, err = h.r.Recv(0)
		ok = err == nil
	case 5:
		h.r.Queue.ArmNonEmpty()
	case 6:
		h.r.Queue.Disarm()
	default:
		h.opening = true
		var c *QueueConsumer
		if c, err = OpenQueueConsumer(h.r.Queue.seg, testQueueOff); err == nil && c.mask == h.r.Queue.mask {
			h.r.Queue, h.r.ready = c, nil
		}
		h.opening = false
	}
	if err != nil && err != ErrFull && err != ErrDeadline && !errors.Is(err, ErrCorrupt) {
		h.tb.Fatalf("operation %d: %v", op%8, err)
	}
	if ok && ev.Kind == 0 || !ok && ev != (Event{}) {
		h.tb.Fatalf("event %v, %v", ev, ok)
	}
	return err
}

// TestQueueHostileWords puts each hostile value in each word of a queue, one at a time,
// and once changes the word before every access.
func TestQueueHostileWords(t *testing.T) {
	var corrupt, fine int
	for _, flicker := range []bool{false, true} {
		for off := uint64(testQueueOff); off < testQueueOff+QueueBytes(4); off += 8 {
			for how := range 256 {
				seg, _ := prepare(t, queueStates[how%len(queueStates)])
				word := seg.mem[off : off+8]
				poke := func() {
					binary.LittleEndian.PutUint64(word, hostileWord(binary.LittleEndian.Uint64(word), byte(how)))
				}
				h := newQueueHost(t, seg, 4, func() {
					if flicker {
						poke()
					}
				})
				poke()
				noticed := false
				for _, op := range []byte{3, 0, 0, 2, 5, 4, 3, 7, 3, 3, 0, 1} {
					noticed = errors.Is(h.do(op, 7), ErrCorrupt) || noticed
				}
				if noticed {
					corrupt++
				} else {
					fine++
				}
			}
		}
	}
	if corrupt == 0 || fine == 0 {
		t.Errorf("%d runs noticed, %d did not: the values are not well chosen", corrupt, fine)
	}
}

// FuzzQueuePeer reads data as operations of a producer and a consumer and writes of a
// hostile peer before any access of theirs.
func FuzzQueuePeer(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0, 2, 3, 0, 4, 0, 5, 0})
	f.Add([]byte{2, 0, 1, 0, 2, 0x80, 0, 8, 3, 0, 0x80, 16, 9, 3, 0, 0x80, 16, 1, 7, 0})
	f.Add([]byte{1, 0, 1, 0x81, 8, 2, 0, 2, 0x81, 8, 3, 1, 3, 2, 1, 4, 1, 4, 1})
	f.Add([]byte{0, 0x80, 1, 1, 5, 0, 0x80, 0, 1, 7, 0, 2, 0, 3, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		next := func() byte {
			if len(data) == 0 {
				return 0
			}
			b := data[0]
			data = data[1:]
			return b
		}
		slots := uint32(1) << (next() % 4)
		seg := queueAt(t, slots, uint64(slots)<<24-2)
		words := QueueBytes(slots) / 8
		poke := func() {
			for len(data) > 2 && data[0] >= 0x80 {
				next()
				word := seg.mem[testQueueOff+uint64(next())%words*8:]
				binary.LittleEndian.PutUint64(word, hostileWord(binary.LittleEndian.Uint64(word), next()))
			}
		}
		h := newQueueHost(t, seg, slots, poke)
		for len(data) > 0 {
			poke()
			_ = h.do(next(), next())
		}
	})
}
