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
	MaxApps        int           // default 1024
	MaxListeners   int           // of one application; default 1024
	MaxSessions    int           // of one application, both roles; default 65,536
	MaxBytes       uint64        // of segments that one application's connects made; default 4 GiB
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
	def(&c.MaxBytes, 4<<30)
	num := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	num(&c.MaxApps, 1024)
	num(&c.MaxListeners, 1024)
	num(&c.MaxSessions, 65_536)
	if c.FifoSize == 0 {
		c.FifoSize = 64 << 10
	}
	if c.QueueSlots == 0 {
		c.QueueSlots = 256
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 10 * time.Second
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
	if min(int64(c.MaxApps), int64(c.MaxListeners), int64(c.MaxSessions), int64(c.Linger), int64(c.ConnectTimeout), int64(c.CloseTimeout)) < 0 {
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
