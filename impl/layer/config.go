package layer

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"cutthrough/impl/layer/segments"
	"cutthrough/impl/wire"
	"cutthrough/shm"
	"cutthrough/shm/evq"
)

// Config is the configuration of a session layer. Zero fields get defaults.
type Config struct {
	Namespaces     []Namespace
	Base, End      wire.Location // address space; default 128 GiB from 8 GiB on
	Guard          uint64        // bytes between segments; default one page
	SegmentSize    uint64        // of the first segment of a pair; default 1 MiB
	FifoSize       uint32        // bytes, when a connect does not say; default 64 KiB
	QueueSlots     uint32        // of an event queue; default 256
	Linger         time.Duration // how long a pair's segments outlive its last session; default 0
	ConnectTimeout time.Duration // for the server's answer; default 10 s
	CloseTimeout   time.Duration // for the peer's close, then it is reset; default 5 min
	// HandshakeTimeout is the time for which a channel may be open without an attached application;
	// default 10 s, negative: for ever.
	HandshakeTimeout time.Duration

	MaxApps          int    // default 1024
	MaxTotalSessions int    // default 1,048,576
	MaxTotalBytes    uint64 // of all segments; default 64 GiB

	MaxUserApps      int    // of one user; default three quarters of MaxApps
	MaxUserListeners int    // of one user; default 16 times MaxListeners
	MaxUserSessions  int    // that one user pays for; default three quarters of MaxTotalSessions
	MaxUserBytes     uint64 // that one user pays for; default three quarters of MaxTotalBytes

	MaxListeners int    // of one application; default 1024
	MaxPairs     int    // of one application: others that it has sessions with; default 1024
	MaxSessions  int    // of one application in one role; default 65,536
	MaxBytes     uint64 // of segments that one application pays for; default 4 GiB, at most half of MaxTotalBytes

	MaxPairSessions int    // that a server has with one client; default half of MaxSessions
	MaxPairBytes    uint64 // of segments of a client and a server; default MaxBytes
}

func (c Config) withDefaults() Config {
	def := func(v *uint64, d uint64) {
		if *v == 0 {
			*v = d
		}
	}
	if c.Base == 0 {
		c.Base, c.End = 8<<30, 136<<30
	}
	def(&c.Guard, segments.Page)
	def(&c.SegmentSize, 1<<20)
	def(&c.MaxTotalBytes, 64<<30)
	def(&c.MaxUserBytes, c.MaxTotalBytes-c.MaxTotalBytes/4)
	def(&c.MaxBytes, min(4<<30, c.MaxTotalBytes/2))
	def(&c.MaxPairBytes, c.MaxBytes)
	num := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	num(&c.MaxApps, 1024)
	num(&c.MaxTotalSessions, 1<<20)
	num(&c.MaxUserApps, c.MaxApps-c.MaxApps/4)
	num(&c.MaxUserSessions, c.MaxTotalSessions-c.MaxTotalSessions/4)
	num(&c.MaxListeners, 1024)
	num(&c.MaxUserListeners, 16*c.MaxListeners)
	num(&c.MaxPairs, 1024)
	num(&c.MaxSessions, 65_536)
	num(&c.MaxPairSessions, c.MaxSessions-c.MaxSessions/2)
	if c.FifoSize == 0 {
		c.FifoSize = 64 << 10
	}
	if c.QueueSlots == 0 {
		c.QueueSlots = 256
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 10 * time.Second
	}
	if c.HandshakeTimeout == 0 {
		c.HandshakeTimeout = 10 * time.Second
	}
	if c.CloseTimeout == 0 {
		c.CloseTimeout = 5 * time.Minute
	}
	return c
}

// check returns what is wrong with a configuration that has its defaults.
func (c Config) check() error {
	page := func(name string, n uint64) error {
		if n%segments.Page != 0 || n > shm.MaxSegment {
			return fmt.Errorf("impl: %s of %#x is no number of pages up to %#x", name, n, uint64(shm.MaxSegment))
		}
		return nil
	}
	errs := []error{page("a guard", c.Guard), page("a segment", c.SegmentSize)}
	if c.Base%segments.Page != 0 || c.End <= c.Base {
		errs = append(errs, fmt.Errorf("impl: no address space is between %#x and %#x", uint64(c.Base), uint64(c.End)))
	}
	if c.QueueSlots&(c.QueueSlots-1) != 0 || c.QueueSlots > evq.MaxSlots {
		errs = append(errs, fmt.Errorf("impl: %d slots of an event queue: not a power of two up to %d", c.QueueSlots, evq.MaxSlots))
	}
	if c.FifoSize > wire.MaxFifo {
		errs = append(errs, fmt.Errorf("impl: fifos of %d bytes: at most %d", c.FifoSize, wire.MaxFifo))
	}
	bounds := min(c.MaxApps, c.MaxTotalSessions, c.MaxUserApps, c.MaxUserListeners, c.MaxUserSessions,
		c.MaxListeners, c.MaxPairs, c.MaxSessions, c.MaxPairSessions)
	if bounds < 0 || min(c.Linger, c.ConnectTimeout, c.CloseTimeout) < 0 {
		errs = append(errs, errors.New("impl: a bound or a time below zero"))
	}
	return errors.Join(errs...)
}

// Namespace separates applications: listeners of local scope are found only from
// inside.
type Namespace struct {
	Name   string // "" is the default namespace, which always exists
	Secret uint64
	// Own are the addresses that are this machine's in the namespace, besides loopback.
	Own []netip.Addr
}
