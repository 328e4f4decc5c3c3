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
	// NewDoorbell returns the two ends of a new doorbell, each a descriptor of its own. They can be sent to the
	// process that is to wait and to the one that is to ring.
	NewDoorbell() (wait, ring Desc, err error)
	// OpenWaiter opens the waiting end of a doorbell; name appears in traces. It owns d from the call on, also
	// when it fails with ErrDesc.
	OpenWaiter(d Desc, name Name) (Doorbell, error)
	// OpenRinger opens the ringing end of a doorbell; name appears in traces. It owns d from the call on, also
	// when it fails with ErrDesc.
	OpenRinger(d Desc, name Name) (RingCloser, error)
	// NewLocalDoorbell returns a doorbell for the tasks of this process alone. It has no descriptor and costs no
	// system call.
	NewLocalDoorbell(name Name) Doorbell
	// Dial connects to a listener of this machine. It does not wait for Accept: messages sent before
	// are kept. ErrRefused when there is no listener at addr. While the listener has too many connections that were
	// not accepted it waits for room: ErrDeadline, or ErrRefused when the listener closes.
	Dial(addr string, deadline time.Duration) (Conn, error)
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

// Ringer wakes the task that waits on the other side: the part of a doorbell that a writer needs. Safe
// for concurrent use.
type Ringer interface {
	// Ring makes the current or the next Wait return. Rings may coalesce. It never blocks, whatever the process that
	// waits does with its end. A ring that no process can hear any more is lost, which is no error.
	Ring() error
}

// RingCloser is the ringing end of a doorbell. A process that has it can ring and nothing else: it can take no ring
// away, and make no other ring or wait block. Safe for concurrent use.
type RingCloser interface {
	Ringer
	// Close releases this end. Its rings stay. The second call returns ErrClosed, and so does Ring afterwards.
	Close() error
}

// Waiter sleeps until it is rung: the part of a [Doorbell] that a reader needs. One task at a time may
// call Wait.
type Waiter interface {
	// Wait returns nil after a ring, or spuriously; ErrDeadline; ErrClosed; or ErrPeerClosed when every ringing
	// end is closed, by Close or death, and all rings were taken. Callers re-check the
	// condition that they wait for. ready, if not nil, is a cheap test of that condition without side
	// effects. Wait may call it any number of times from the calling task while it spins, to return
	// early with nil; a simulator calls it only to tell a lost wake-up from a deadlock.
	Wait(ready func() bool, deadline time.Duration) error
}

// Doorbell is the waiting end of a doorbell, which wakes one process from another: many tasks may ring and one waits.
// Its own Ring wakes a task of this process; it costs no system call and needs no ringing end. Safe for concurrent
// use, except that one task at a time may call Wait.
type Doorbell interface {
	Ringer
	Waiter
	// Close releases this end and wakes a waiter with ErrClosed. The second call returns ErrClosed.
	Close() error
}

// Conn is a control channel between two processes: reliable, in order, with message boundaries, and
// with descriptors in one direction: from the process that listens to the one that dials. A process that listens
// serves strangers, and closing what a stranger sent can block. Safe for concurrent use.
type Conn interface {
	// Send sends one message of 1 to MaxMessage bytes with at most MaxDescs descriptors, which the
	// caller keeps owning. ErrPeerClosed when the peer has closed or died, ErrDeadline when the
	// channel stays full, ErrSize, ErrDesc when a descriptor is closed or the channel was dialled, ErrClosed;
	// ErrShortage when the system lacks descriptors or memory for the message, also because other channels
	// have too many descriptors in flight: the channel is as it was.
	Send(msg []byte, descs []Desc, deadline time.Duration) error
	// Recv receives one message into buf and returns its length and descriptors, which the caller
	// owns. io.EOF, not wrapped, when the peer closed or died and all its messages were read;
	// ErrDeadline; ErrClosed; ErrTruncated when the message or its descriptors did not fit (buf too
	// small, too many descriptors): the message is lost, and no descriptor leaks. ErrShortage when the descriptor
	// table is full: the descriptors are lost, all of them, and the message is in buf. One that comes with
	// descriptors to a channel that was accepted is ErrTruncated, or its sender fails.
	Recv(buf []byte, deadline time.Duration) (int, []Desc, error)
	// Peer returns the process that dialed, or that listened, as the kernel recorded it then.
	Peer() (Peer, error)
	// Close closes the channel and wakes blocked calls with ErrClosed. It never blocks, whatever a peer has sent. The
	// second call returns ErrClosed.
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
