package server

import (
	"maps"
	"time"

	"cutthrough/shm"
)

// Rates at which channels are admitted. An application needs one channel in its life.
var (
	processRate = rate{every: time.Millisecond, burst: 256}        // of one process
	userRate    = rate{every: 250 * time.Microsecond, burst: 1024} // of all processes of one user
)

// rate is the rate of a token bucket: burst tokens at first, and then one every so often.
type rate struct {
	every time.Duration
	burst time.Duration // in tokens
}

// source is where channels come from: a process, or a user if pid is -1.
type source struct {
	uid uint32
	pid int
}

// admission decides when a new channel is read for the first time. Each process and each user has a token bucket,
// so that one that connects in a loop delays itself. The zero admission is ready. Not safe for concurrent use.
type admission struct {
	// free is when the bucket of a source is full again (the theoretical arrival time of the generic cell
	// rate algorithm). A bucket that is full has no entry, at the latest after the next sweep.
	free  map[source]time.Duration
	sweep int // entries at which full buckets are dropped
}

// admit takes a token of a process and one of its user, and returns when a channel of the process may be read;
// false, and no token is taken, if that is later than it takes to fill an empty bucket.
func (a *admission) admit(now time.Duration, p shm.Peer) (time.Duration, bool) {
	process, user := source{p.UID, p.PID}, source{p.UID, -1}
	at := max(a.next(now, process, processRate), a.next(now, user, userRate))
	if at > now+processRate.every*processRate.burst {
		return 0, false
	}
	a.take(now, process, processRate)
	a.take(now, user, userRate)
	return at, true
}

// next returns when the next token of a source is there.
func (a *admission) next(now time.Duration, from source, r rate) time.Duration {
	return max(now, a.free[from]-r.every*(r.burst-1))
}

func (a *admission) take(now time.Duration, from source, r rate) {
	if len(a.free) >= a.sweep {
		maps.DeleteFunc(a.free, func(_ source, full time.Duration) bool { return full <= now })
		a.sweep = 2*len(a.free) + 64
	}
	if a.free == nil {
		a.free = map[source]time.Duration{}
	}
	a.free[from] = max(now, a.free[from]) + r.every
}

// Admissions counts the channels that a server did not simply read, since it began.
type Admissions struct {
	Delayed uint64 // read later than they came, because their process or user connects often
	Refused uint64 // closed at once, because it connects far too often
	Evicted uint64 // closed because too many had not attached
}
