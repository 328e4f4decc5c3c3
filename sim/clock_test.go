package sim_test

import (
	"fmt"
	"io"
	"testing"
	"time"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/internal/pairtest"
)

// TestClock: time moves when no task can go on, to the next deadline.
func TestClock(t *testing.T) {
	setup := func(w *sim.World) {
		p := pairtest.New(w)
		for name, until := range map[string]time.Duration{"late": 30, "early": 10} {
			p.A.Go(name, func() { p.A.Sleep(until); w.Note("%s at %d", name, w.Now()) })
		}
		p.B.Go("b", func() {
			w.Note("b at %d", w.Now())
			err := p.B.NewLocalDoorbell(nameB).Wait(nil, 20)
			w.Note("%v at %d", err, p.B.Now())
			p.B.Sleep(5) // in the past
			w.Note("still %d", w.Now())
		})
	}
	wantNotes(t, replay(t, sim.Config{}, setup), "b at 0", "early at 10", shm.ErrDeadline.Error()+" at 20", "still 20", "late at 30")
}

// TestJumpOfTheClock: the AdvanceClock fault moves time although tasks can go on.
func TestJumpOfTheClock(t *testing.T) {
	setup := func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Go("a", func() { p.A.Sleep(10); w.Note("a at %d", w.Now()) })
		p.B.Go("b", func() { p.XB.Load(); w.Note("b at %d", w.Now()); p.XB.Load(); w.Note("b at %d", w.Now()) })
	}
	cfg := sim.Config{Faults: sim.Faults(exec.AdvanceClock), MaxFaults: 1}
	o := replay(t, cfg, setup, "b @ x load #2 advance-clock")
	wantNotes(t, o, "b at 0", "b at 10", "a at 10")
	if got := enabled(t, o.Execution, "b", "x load", 2); got != "a b" {
		t.Errorf("enabled %s", got)
	}
}

// TestRingAtTheDeadline: a ring that comes at the deadline is no timeout, though the waiter has been woken by the clock.
func TestRingAtTheDeadline(t *testing.T) {
	setup := func(w *sim.World) {
		p := pairtest.New(w)
		ca, cb := w.ConnPair(p.A, p.B)
		bell := p.A.NewLocalDoorbell(nameB)
		theirs := p.B.OpenBell(bell, nameB)
		p.B.Go("b", func() { p.B.Sleep(10); _ = theirs.Ring(); _ = cb.Send([]byte("x"), nil, shm.Forever) })
		p.A.Go("waiter", func() { w.Note("waits: %v", bell.Wait(nil, 10)) })
		p.A.Go("receiver", func() {
			n, _, err := ca.Recv(make([]byte, 8), 10)
			w.Note("receives: %d %v", n, err)
		})
	}
	wantNotes(t, replay(t, sim.Config{}, setup), "waits: <nil>", "receives: 1 <nil>")
}

var delays = sim.Config{Faults: sim.Faults(exec.Delay), MaxFaults: 1}

// TestDelay: what is delayed arrives later, in order, and before the end of the channel.
func TestDelay(t *testing.T) {
	setup := func(w *sim.World) {
		p := pairtest.New(w)
		ca, cb := w.ConnPair(p.A, p.B)
		p.A.Go("a", func() {
			_ = ca.Send([]byte("one"), nil, shm.Forever)
			_ = ca.Send([]byte("two"), nil, shm.Forever)
			_ = ca.Close()
		})
		p.B.Go("b", func() {
			for {
				buf := make([]byte, 8)
				n, _, err := cb.Recv(buf, shm.Forever)
				w.Note("%s %v at %s", buf[:n], err, w.Now())
				if err != nil {
					return
				}
			}
		})
	}
	end := fmt.Sprintf(" %v at ", io.EOF)
	wantNotes(t, replay(t, delays, setup), "one <nil> at 0s", "two <nil> at 0s", end+"0s")
	wantNotes(t, replay(t, delays, setup, "a @ host.conn send #1 delay 1"), "one <nil> at 1µs", "two <nil> at 1µs", end+"1µs")
	wantNotes(t, replay(t, delays, setup, "a @ host.conn send #2 delay 1"), "one <nil> at 0s", "two <nil> at 1µs", end+"1µs")
}

// TestDelayedMessagesTakeRoom: a channel that is full of messages under way is full.
func TestDelayedMessagesTakeRoom(t *testing.T) {
	o := replay(t, delays, func(w *sim.World) {
		p := pairtest.New(w)
		ca, _ := w.ConnPair(p.A, p.B)
		p.A.Go("a", func() {
			for n := 1; ; n++ {
				if err := ca.Send([]byte("x"), nil, 0); err != nil {
					w.Note("%d: %v at %s", n, err, w.Now())
					return
				}
			}
		})
	}, "a @ host.conn send #1 delay 1")
	wantNotes(t, o, "9: "+shm.ErrDeadline.Error()+" at 0s")
}

// TestDelayedRing: a ring that is delayed wakes no task before its time.
func TestDelayedRing(t *testing.T) {
	setup := func(w *sim.World) {
		p := pairtest.New(w)
		bell := p.A.NewLocalDoorbell(nameB)
		theirs := p.B.OpenBell(bell, nameB)
		p.B.Go("b", func() { _ = theirs.Ring() })
		p.A.Go("a", func() {
			w.Note("%v at %s", bell.Wait(nil, 999), w.Now())
			w.Note("%v at %s", bell.Wait(nil, 1001), w.Now())
		})
	}
	late := shm.ErrDeadline.Error()
	wantNotes(t, replay(t, delays, setup), "<nil> at 0s", late+" at 1.001µs")
	wantNotes(t, replay(t, delays, setup, "b @ bell ring #1 delay 1"), late+" at 999ns", "<nil> at 1µs")
}

// TestSpuriousWake: a wait that returns for no reason leaves the ring for the next.
func TestSpuriousWake(t *testing.T) {
	o := replay(t, sim.Config{Faults: sim.Faults(exec.Spurious), MaxFaults: 1}, func(w *sim.World) {
		p := pairtest.New(w)
		bell := p.A.NewLocalDoorbell(nameB)
		p.A.Go("a", func() {
			_ = bell.Ring()
			w.Note("%v", bell.Wait(nil, 0))
			w.Note("%v", bell.Wait(nil, 0))
			w.Note("%v", bell.Wait(nil, 0))
		})
	}, "a @ bell wait #1 spurious")
	wantNotes(t, o, "<nil>", "<nil>", shm.ErrDeadline.Error())
}

// TestSleepInThePast: a sleep until now or earlier is no wait.
func TestSleepInThePast(t *testing.T) {
	o := replay(t, sim.Config{}, func(w *sim.World) {
		p := pairtest.New(w)
		p.A.Go("a", func() { p.A.Sleep(0); w.Note("a") })
		p.B.Go("b", func() { w.Note("b") })
	})
	wantNotes(t, o, "a", "b")
}
