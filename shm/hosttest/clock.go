package hosttest

import (
	"time"

	"cutthrough/shm"
)

var clockTests = []test{
	{"monotone", func(e *env) {
		e.one(func(h shm.Host) {
			last := h.Now()
			for range 100 {
				now := h.Now()
				e.check(now >= last, "the clock went back from %v to %v", last, now)
				last = now
			}
		})
	}},
	{"wall-clock", func(e *env) {
		e.one(func(h shm.Host) {
			t := time.Unix(1_700_000_000, 0)
			at := h.At(t)
			e.check(h.At(t) == at, "one instant has two times")
			e.check(h.At(t.Add(time.Hour)) == at+time.Hour, "an hour later is %v later", h.At(t.Add(time.Hour))-at)
		})
	}},
	{"wall-clock", func(e *env) {
		e.one(func(h shm.Host) {
			t := time.Unix(1_700_000_000, 0)
			for _, d := range []time.Duration{-time.Hour, 0, 1, time.Hour} {
				e.check(h.At(t.Add(d))-h.At(t) == d, "%v later on the wall is %v later here", d, h.At(t.Add(d))-h.At(t))
			}
		})
	}},
	{"sleep", func(e *env) {
		e.one(func(h shm.Host) {
			for _, d := range []time.Duration{0, 1, time.Millisecond} {
				until := h.Now() + d
				h.Sleep(until)
				e.check(h.Now() >= until, "slept until %v, want %v", h.Now(), until)
			}
		})
	}},
	{"sleep-until-the-past", func(e *env) {
		e.one(func(h shm.Host) {
			h.Sleep(past)
			h.Sleep(-shm.Forever) // must return
			h.Sleep(-shm.Forever - 1)
		})
	}},
	{"sleepers-do-not-block-others", func(e *env) {
		e.one(func(h shm.Host) {
			bell := h.NewLocalDoorbell(nameBell)
			until := h.Now() + brief
			wait := e.start(h, func() { h.Sleep(until) }, func() { e.ok(bell.Ring(), "ring") })
			e.ok(bell.Wait(nil, shm.Forever), "wait")
			wait()
			e.check(h.Now() >= until, "the sleeper returned before %v", until)
			e.ok(bell.Close(), "close")
		})
	}},
	{"go", func(e *env) {
		e.one(func(h shm.Host) {
			var ran [3]bool
			e.start(h, func() { ran[0] = true }, func() { ran[1] = true }, func() { ran[2] = true })()
			e.check(ran == [3]bool{true, true, true}, "tasks that ran: %v", ran)
		})
	}},
}

var lockTests = []test{
	{"mutual-exclusion", func(e *env) {
		const tasks, rounds = 3, 5
		e.one(func(h shm.Host) {
			bell := h.NewLocalDoorbell(nameBell)
			lock, n := h.NewLock(nameLock), 0
			add := func() {
				for range rounds {
					lock.Lock()
					seen := n
					e.ok(bell.Ring(), "ring") // a place where others would run if they could
					n = seen + 1
					lock.Unlock()
				}
			}
			e.start(h, add, add, add)()
			e.check(n == tasks*rounds, "%d increments under the lock gave %d", tasks*rounds, n)
			e.ok(bell.Close(), "close")
		})
	}},
	{"independent", func(e *env) {
		e.one(func(h shm.Host) {
			a, b := h.NewLock(nameLock), h.NewLock(nameLock)
			held := 0
			for range 2 { // locks of one name are two locks, and can be taken again
				a.Lock()
				b.Lock()
				held++
				b.Unlock()
				a.Unlock()
			}
			e.check(held == 2, "held both %d times, want 2", held)
		})
	}},
}
