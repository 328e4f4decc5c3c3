package shm

import (
	"errors"
	"math"
	"sync"
	"time"
)

// Host is the operating system as one process sees it. Package oshost has the real one; a simulator
// supplies another. The suite in package hosttest tests each sentence of this contract on both.
// All methods are safe for concurrent use.
//
// Times are durations since an arbitrary start of the host, so that code driven by a Host never
// reads a wall clock. A deadline that has passed makes a call non-blocking: the call does what it
// can at once or returns [ErrDeadline]. [Forever] means no deadline.
type Host interface {
	// CreateSegment returns a new formatted segment of size bytes, sealed against resizing, with
	// its memory reserved. Its Desc can be sent to a peer. ErrSize.
	CreateSegment(size uint64) (*Segment, error)
	// MapSegment maps a segment received from a peer that announced size bytes. It owns d from the
	// call on, also when it fails: with ErrDesc (not a memfd), ErrUnsealed, ErrSize, ErrVersion or
	// ErrCorrupt.
	MapSegment(d Desc, size uint64) (*Segment, error)
	// NewDoorbell returns a new doorbell; name appears in traces.
	NewDoorbell(name Name) (Doorbell, error)
	// NewLocalDoorbell returns a doorbell for the tasks of this process alone. It has no descriptor
	// (Desc returns nil) and costs no system call.
	NewLocalDoorbell(name Name) Doorbell
	// OpenDoorbell opens a doorbell received from a peer. It owns d from the call on, also when it
	// fails with ErrDesc.
	OpenDoorbell(d Desc, name Name) (Doorbell, error)
	// Dial connects to a listener of this machine. It does not wait for Accept: messages sent before
	// are kept. ErrRefused when there is no listener at addr, or the listener has too many connections
	// that were not accepted.
	Dial(addr string) (Conn, error)
	// Listen creates the listening socket addr. ErrAddrInUse when a living process has it.
	Listen(addr string) (Listener, error)
	// Self returns the process itself, as its peers see it.
	Self() Peer
	// Now returns the time since the start of the host; it never goes back.
	Now() time.Duration
	// At returns the time of the host at the wall clock time t.
	At(t time.Time) time.Duration
	// Sleep returns when Now has reached until.
	Sleep(until time.Duration)
	// Go runs f in a task of this process; the name task appears in traces.
	Go(task string, f func())
	// NewLock returns a mutual exclusion lock for the tasks of this process; name appears in traces.
	NewLock(name Name) sync.Locker
}

// Forever is a deadline that never comes.
const Forever = time.Duration(math.MaxInt64)

// Ringer wakes the task that waits on the other side: the part of a [Doorbell] that a writer needs. Safe
// for concurrent use.
type Ringer interface {
	// Ring makes the current or the next Wait return. Rings may coalesce. It never blocks.
	Ring() error
}

// Waiter sleeps until it is rung: the part of a [Doorbell] that a reader needs. One task at a time may
// call Wait.
type Waiter interface {
	// Wait returns nil after a ring, or spuriously; ErrDeadline; or ErrClosed. Callers re-check the
	// condition that they wait for. ready, if not nil, is a cheap test of that condition without side
	// effects. Wait may call it any number of times from the calling task while it spins, to return
	// early with nil; a simulator calls it only to tell a lost wake-up from a deadlock.
	Wait(ready func() bool, deadline time.Duration) error
}

// Doorbell wakes one process from another: a counting event that many tasks may ring and one waits
// for. Safe for concurrent use, except that one task at a time may call Wait.
type Doorbell interface {
	Ringer
	Waiter
	// Desc returns the descriptor to send to a peer; the doorbell keeps owning it.
	Desc() Desc
	// Close releases the doorbell and wakes a waiter with ErrClosed. Rings that the peer has not
	// taken yet stay. The second call returns ErrClosed.
	Close() error
}

// Conn is a control channel between two processes: reliable, in order, with message boundaries, and
// with descriptors. Safe for concurrent use.
type Conn interface {
	// Send sends one message of 1 to MaxMessage bytes with at most MaxDescs descriptors, which the
	// caller keeps owning. ErrPeerClosed when the peer has closed or died, ErrDeadline when the
	// channel stays full, ErrSize, ErrDesc when a descriptor is closed, ErrClosed; ErrShortage when the
	// system lacks descriptors or memory for the message, also because other channels have too many
	// descriptors in flight: the channel is as it was.
	Send(msg []byte, descs []Desc, deadline time.Duration) error
	// Recv receives one message into buf and returns its length and descriptors, which the caller
	// owns. io.EOF, not wrapped, when the peer closed or died and all its messages were read;
	// ErrDeadline; ErrClosed; ErrTruncated when the message or its descriptors did not fit (buf too
	// small, too many descriptors, descriptor table full): the message is lost, and no descriptor leaks.
	Recv(buf []byte, deadline time.Duration) (int, []Desc, error)
	// Peer returns the process that dialed, or that listened, as the kernel recorded it then.
	Peer() (Peer, error)
	// Close closes the channel and wakes blocked calls with ErrClosed. The second call returns
	// ErrClosed.
	Close() error
}

// Peer says which process is at the other end of a [Conn]. The kernel vouches for it.
type Peer struct {
	UID uint32 // user
	GID uint32 // group
	PID int    // process; 0 when it is of a namespace that cannot be seen from here
}

// Limits of one message of a [Conn].
const (
	MaxMessage = 4096 // bytes
	MaxDescs   = 8
)

// Listener accepts control channels. Safe for concurrent use.
type Listener interface {
	// Accept returns the next channel; ErrDeadline, ErrClosed. When the process has no descriptor
	// left, Accept refuses channels, whose peers see io.EOF, and keeps waiting.
	Accept(deadline time.Duration) (Conn, error)
	// Addr returns the address given to Listen.
	Addr() string
	// Close stops listening, removes the socket that Listen created and wakes Accept. Peers that
	// were not accepted see io.EOF. The second call returns ErrClosed.
	Close() error
}

// Errors of a Host. Match them with errors.Is.
var (
	ErrDeadline   = errors.New("deadline exceeded")
	ErrClosed     = errors.New("use of closed handle")
	ErrPeerClosed = errors.New("peer closed")
	ErrRefused    = errors.New("connection refused")
	ErrAddrInUse  = errors.New("address in use")
	ErrDesc       = errors.New("wrong kind of descriptor")
	ErrUnsealed   = errors.New("segment is not sealed")
	ErrTruncated  = errors.New("message truncated")
	ErrShortage   = errors.New("out of descriptors or memory")
)
