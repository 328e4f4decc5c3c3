package properties

import (
	"slices"

	"cutthrough/impl"
	"cutthrough/shm"
	"cutthrough/shm/evq"
	"cutthrough/shm/fifo"
)

// propEffects: what the session layer has done with segments and channels makes sense.
const propEffects = "Effects"

// memoryBook keeps the books of what the session layer has had created and formatted.
type memoryBook struct {
	fail     failer
	mon      *sessionMonitor
	cfg      impl.Config
	segments map[impl.Handle]uint64       // sizes of those that exist or are being created
	bases    map[impl.Handle]impl.Address // of those that somebody was told to map
	used     map[impl.Handle][]impl.Block // formatted, and not scrubbed since
	payer    map[impl.Handle]impl.Channel // for whose connect it was made
	created  int                          // in this step
}

func newMemoryBook(fail failer, mon *sessionMonitor, cfg impl.Config) *memoryBook {
	return &memoryBook{
		fail: fail, mon: mon, cfg: cfg, segments: map[impl.Handle]uint64{}, bases: map[impl.Handle]impl.Address{},
		used: map[impl.Handle][]impl.Block{}, payer: map[impl.Handle]impl.Channel{},
	}
}

func (k *memoryBook) apply(fx impl.Effect) {
	size, exists := k.segments[fx.Segment]
	if fx.Segment != 0 && exists == (fx.Kind == impl.FxCreate) {
		k.fail(propEffects, "%+v: exists: %v", fx, exists)
	}
	switch fx.Kind {
	case impl.FxCreate:
		if fx.Size == 0 || fx.Size%impl.Page != 0 {
			k.fail(propEffects, "%v of %d bytes created", fx.Segment, fx.Size)
		}
		k.create(fx)
	case impl.FxDestroy:
		for ch, c := range k.mon.channels {
			if _, ok := c.held[fx.Segment]; ok && !c.gone {
				k.fail(propEffects, "%v destroyed, channel %d has it", fx.Segment, ch)
			}
		}
		delete(k.segments, fx.Segment)
		delete(k.used, fx.Segment)
		delete(k.bases, fx.Segment)
	case impl.FxFormat:
		for _, b := range fx.Blocks {
			k.format(fx.Segment, size, b)
		}
	case impl.FxScrub:
		for _, b := range fx.Blocks {
			k.scrub(fx.Segment, b)
		}
	case impl.FxSend:
		if fx.Msg.Kind == impl.MsgMap && (size != fx.Msg.Size || fx.Segment != fx.Msg.Handle || fx.Bell == 0) {
			k.fail(propEffects, "%+v: the segment has %d bytes", fx, size)
		}
		switch fx.Msg.Kind {
		case impl.MsgMap:
			k.place(fx.Segment, fx.Msg.Base, size)
		case impl.MsgAccept:
			k.capacities(fx.Msg)
		}
	}
}

// create notes that a segment is asked for, once for a connect, and within the quota.
func (k *memoryBook) create(fx impl.Effect) {
	k.segments[fx.Segment] = fx.Size
	if k.mon.later {
		return // for whom is not known
	}
	if k.created++; k.created > 1 {
		k.fail(propEffects, "%d segments created at once", k.created)
	}
	payer, sum := k.mon.last.ch, uint64(0)
	k.payer[fx.Segment] = payer
	for h, size := range k.segments {
		if k.payer[h] == payer {
			sum += size
		}
	}
	if k.cfg.MaxBytes > 0 && sum > k.cfg.MaxBytes {
		k.fail(propEffects, "channel %d has segments of %d bytes, and may have %d", payer, sum, k.cfg.MaxBytes)
	}
}

// place checks that a page is free behind each segment.
func (k *memoryBook) place(h impl.Handle, base impl.Address, size uint64) {
	k.bases[h] = base
	for o, at := range k.bases {
		if end := at + impl.Address(k.segments[o]+impl.Page); o != h && at <= base && base < end {
			k.fail(propEffects, "%v at %#x, %v and its guard end at %#x", h, base, o, end)
		}
		if end := base + impl.Address(size+impl.Page); o != h && base <= at && at < end {
			k.fail(propEffects, "%v and its guard end at %#x, %v is at %#x", h, end, o, at)
		}
	}
}

// capacities checks that a session has the fifos that its client asked for.
func (k *memoryBook) capacities(m impl.Message) {
	asked := k.mon.last.m
	if k.mon.later || asked.Kind != impl.MsgConnect {
		return
	}
	for at, want := range map[impl.Address]uint32{m.Tx: asked.RxSize, m.Rx: asked.TxSize} {
		if want == 0 {
			want = k.cfg.FifoSize
		}
		found := false
		for h, base := range k.bases {
			for _, b := range k.used[h] {
				found = found || base+impl.Address(b.Off) == at && b.Fifo == uint64(want)
			}
		}
		if !found {
			k.fail(propEffects, "%v: at %#x is no fifo of %d bytes", m, at, want)
		}
	}
}

func bytesOf(b impl.Block) uint64 {
	if b.Slots > 0 {
		return evq.Size(b.Slots)
	}
	return fifo.Size(b.Fifo)
}

func (k *memoryBook) format(g impl.Handle, size uint64, b impl.Block) {
	if b.Off < shm.SegmentHeader || b.Off+bytesOf(b) > size {
		k.fail(propEffects, "block %+v outside %v of %d bytes", b, g, size)
	}
	for _, o := range k.used[g] {
		if b.Off < o.Off+bytesOf(o) && o.Off < b.Off+bytesOf(b) {
			k.fail(propEffects, "block %+v of %v where %+v is, or was and has not been zeroed", b, g, o)
		}
	}
	k.used[g] = append(k.used[g], b)
}

func (k *memoryBook) scrub(g impl.Handle, b impl.Block) {
	i := slices.Index(k.used[g], b)
	if i < 0 || b.Slots > 0 {
		k.fail(propEffects, "zeroed %+v of %v, which is no fifo", b, g)
	}
	k.used[g] = slices.Delete(k.used[g], i, i+1)
}
