package memory

import (
	"time"

	"cutthrough/properties/oracle"
	"cutthrough/shm"
	"cutthrough/sim"
)

// nap is the sleep of a process on its bell. All handles of the bell share it.
type nap struct {
	owner  *sim.Process
	count  int // naps so far
	asleep bool
	rung   bool // since the last nap was over
}

// unrung returns the number of the nap of an owner that sleeps and was not rung,
// else 0.
func (n *nap) unrung() int {
	if n.asleep && !n.rung && !n.owner.Dead() {
		return n.count
	}
	return 0
}

// napRinger is the ringing end of a bell that records that the owner was rung.
type napRinger struct {
	shm.Ringer
	nap *nap
}

// Ring implements [shm.Ringer].
func (b napRinger) Ring() error {
	err := b.Ringer.Ring()
	b.nap.rung = true
	return err
}

// napBell is a bell that records the sleep of the owner.
type napBell struct {
	shm.Doorbell
	nap *nap
}

// Ring implements [shm.Doorbell].
func (b napBell) Ring() error {
	err := b.Doorbell.Ring()
	b.nap.rung = true
	return err
}

// Wait implements [shm.Doorbell].
func (b napBell) Wait(ready func() bool, deadline time.Duration) error {
	b.nap.asleep = true
	b.nap.count++
	err := b.Doorbell.Wait(ready, deadline)
	b.nap.asleep, b.nap.rung = false, false
	return err
}

// spaceBell is the bell on which a producer waits for room. A wait while the consumer sleeps and was not rung
// violates ConsumerProgress.
type spaceBell struct {
	napBell
	w        *sim.World
	consumer *nap
}

// Wait implements [shm.Doorbell].
func (b spaceBell) Wait(ready func() bool, deadline time.Duration) error {
	if b.consumer.unrung() != 0 && !b.nap.rung {
		b.w.Fail(oracle.ConsumerProgress, "goes to sleep on a full queue while the consumer sleeps too, and was not rung")
	}
	return b.napBell.Wait(ready, deadline)
}
