package shm_test

import (
	"math"
	"sync"
	"testing"
	"time"

	"cutthrough/shm"
	"cutthrough/shm/hosttest"
)

// goroutines runs processes of the suite as goroutines, each with its own Host,
// and takes a census afterwards.
type goroutines struct{}

func (goroutines) Run(t *testing.T, procs ...func(h shm.Host)) {
	t.Helper()
	leaks := checkLeaks(t)
	var wg sync.WaitGroup
	for _, proc := range procs {
		wg.Go(func() { proc(shm.OS()) })
	}
	wg.Wait()
	leaks()
}

func TestOS(t *testing.T) { hosttest.Run(t, goroutines{}) }

// TestDeadlinesFarAway: the ends of time are not confused by overflow.
func TestDeadlinesFarAway(t *testing.T) {
	h := shm.OS()
	bell, err := h.NewDoorbell(bellName)
	if err != nil {
		t.Fatal(err)
	}
	for _, deadline := range []time.Duration{shm.Forever, shm.Forever - 1, math.MaxInt64 / 2} {
		rung := make(chan error)
		go func() { rung <- bell.Wait(func() bool { return false }, deadline) }()
		check(t, bell.Ring())
		check(t, <-rung)
	}
	for _, deadline := range []time.Duration{math.MinInt64, math.MinInt64 + 1, -1, 0} {
		if err := bell.Wait(func() bool { return false }, deadline); err == nil {
			t.Errorf("waited until %d without a ring", deadline)
		}
	}
	check(t, bell.Close())
}

var bellName = shm.NewName("test.bell")
