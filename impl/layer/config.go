package layer

import (
	"cmp"
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
	// Epoch tells this session layer from those before it: handles and addresses of clients differ from theirs, as far as
	// their bits go. An application may have sessions of several. Default 0.
	Epoch uint32

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

// Defaults returns the configuration that the zero Config stands for, but for the fields whose default follows from
// others: these are 0. [Config.Resolved] fills them in.
func Defaults() Config { return Config{}.withBase() }

// Resolved returns c with the defaults of all zero fields, which is what [New] works with.
func (c Config) Resolved() Config { return c.withBase().withDerived() }

// Validate returns what is wrong with c once its zero fields have their defaults: [New] panics then.
func (c Config) Validate() error { return c.Resolved().check() }

// withBase returns c with the defaults that depend on no other field.
func (c Config) withBase() Config {
	if c.Base == 0 {
		c.Base, c.End = 8<<30, 136<<30
	}
	c.Guard = cmp.Or(c.Guard, segments.Page)
	c.SegmentSize = cmp.Or(c.SegmentSize, 1<<20)
	c.FifoSize = cmp.Or(c.FifoSize, 64<<10)
	c.QueueSlots = cmp.Or(c.QueueSlots, 256)
	c.ConnectTimeout = cmp.Or(c.ConnectTimeout, 10*time.Second)
	c.CloseTimeout = cmp.Or(c.CloseTimeout, 5*time.Minute)
	c.HandshakeTimeout = cmp.Or(c.HandshakeTimeout, 10*time.Second)
	c.MaxApps = cmp.Or(c.MaxApps, 1024)
	c.MaxTotalSessions = cmp.Or(c.MaxTotalSessions, 1<<20)
	c.MaxTotalBytes = cmp.Or(c.MaxTotalBytes, 64<<30)
	c.MaxListeners = cmp.Or(c.MaxListeners, 1024)
	c.MaxPairs = cmp.Or(c.MaxPairs, 1024)
	c.MaxSessions = cmp.Or(c.MaxSessions, 65_536)
	return c
}

// withDerived returns c, whose base fields are set, with the defaults that follow from them.
func (c Config) withDerived() Config {
	c.MaxUserApps = cmp.Or(c.MaxUserApps, c.MaxApps-c.MaxApps/4)
	c.MaxUserListeners = cmp.Or(c.MaxUserListeners, 16*c.MaxListeners)
	c.MaxUserSessions = cmp.Or(c.MaxUserSessions, c.MaxTotalSessions-c.MaxTotalSessions/4)
	c.MaxUserBytes = cmp.Or(c.MaxUserBytes, c.MaxTotalBytes-c.MaxTotalBytes/4)
	c.MaxBytes = cmp.Or(c.MaxBytes, min(4<<30, c.MaxTotalBytes/2))
	c.MaxPairSessions = cmp.Or(c.MaxPairSessions, c.MaxSessions-c.MaxSessions/2)
	c.MaxPairBytes = cmp.Or(c.MaxPairBytes, c.MaxBytes)
	return c
}

// firstGeneration returns the generation that handles of this epoch begin with. 4,096 epochs have 65,535 generations of
// their own each.
func (c Config) firstGeneration() uint32 { return 1 + c.Epoch%(1<<12)<<16 }

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
