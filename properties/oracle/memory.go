package oracle

import (
	"cmp"
	"slices"

	"cutthrough/impl/layer"
	"cutthrough/impl/layer/segments"
	"cutthrough/impl/wire"
	"cutthrough/shm"
	"cutthrough/shm/evq"
	"cutthrough/shm/fifo"
)

// Memory tracks the segments and blocks that the session layer has created, formatted and zeroed.
type Memory struct {
	fail     Failer
	mon      *Messages
	cfg      layer.Config
	segments map[wire.Handle]uint64           // sizes of the segments that exist or are being created
	bases    map[wire.Handle]wire.Location    // of the segments that an application was told to map
	used     map[wire.Handle][]segments.Block // formatted, and not zeroed since
	zeroing  map[wire.Handle][]segments.Block // of them, those that are being zeroed
	released map[wire.Handle]uint64           // sizes of the segments whose memory is being given back
	created  int                              // segments in this step
}

// NewMemory returns the tracker of a session layer made with cfg. It reports to fail.
func NewMemory(fail Failer, mon *Messages, cfg layer.Config) *Memory {
	return &Memory{
		fail: fail, mon: mon, cfg: cfg, segments: map[wire.Handle]uint64{}, bases: map[wire.Handle]wire.Location{},
		released: map[wire.Handle]uint64{},
		used:     map[wire.Handle][]segments.Block{}, zeroing: map[wire.Handle][]segments.Block{},
	}
}

// Begin starts a step of the layer: the effects until the next Begin belong to one event.
func (k *Memory) Begin() { k.created = 0 }

// NotCreated records that the creation of a segment failed.
func (k *Memory) NotCreated(h wire.Handle) { delete(k.segments, h) }

// Segments returns the number of segments that exist or are being created.
func (k *Memory) Segments() int { return len(k.segments) }

// Apply checks one effect and records it.
func (k *Memory) Apply(fx layer.Effect) {
	size, exists := k.segments[fx.Segment]
	if fx.Segment != 0 && exists == (fx.Kind == layer.EffectCreate) {
		k.fail(SegmentLifecycle, "%+v: exists: %v", fx, exists)
	}
	switch fx.Kind {
	case layer.EffectCreate:
		if fx.Size == 0 || fx.Size%segments.Page != 0 {
			k.fail(SegmentLifecycle, "%v of %d bytes created", fx.Segment, fx.Size)
		}
		k.create(fx)
	case layer.EffectDestroy:
		for _, c := range k.mon.channels {
			if g := c.segment(fx.Segment); g != nil && g.held && !c.gone {
				k.fail(SegmentLifecycle, "%v destroyed, channel %d has it", fx.Segment, c.id)
			}
		}
		if len(k.zeroing[fx.Segment]) > 0 {
			k.fail(SegmentLifecycle, "%v destroyed while %v are being zeroed", fx.Segment, k.zeroing[fx.Segment])
		}
		k.released[fx.Segment] = size
		delete(k.segments, fx.Segment)
		delete(k.used, fx.Segment)
		delete(k.bases, fx.Segment)
	case layer.EffectFormat:
		for _, b := range fx.Blocks {
			k.format(fx.Segment, size, b)
		}
	case layer.EffectZero:
		for _, b := range fx.Blocks {
			k.scrub(fx.Segment, b)
		}
	case layer.EffectSend:
		if fx.Msg.Type == wire.Map && (size != fx.Msg.Size || fx.Segment != fx.Msg.Handle || fx.Msg.Doorbells != k.queued(fx.Segment)) {
			k.fail(SegmentLifecycle, "%+v: the segment has %d bytes", fx, size)
		}
		switch fx.Msg.Type {
		case wire.Map:
			k.place(fx.Segment, fx.Msg.Base, size)
		case wire.Accept:
			k.capacities(fx.Msg)
		}
	}
}

// queued says whether event queues are in a segment.
func (k *Memory) queued(g wire.Handle) bool {
	return slices.ContainsFunc(k.used[g], func(b segments.Block) bool { return b.Slots > 0 })
}

// create records the creation of a segment: at most one for each connect, within the quotas of a pair and the total.
func (k *Memory) create(fx layer.Effect) {
	k.segments[fx.Segment] = fx.Size
	sum := uint64(0)
	for _, sizes := range []map[wire.Handle]uint64{k.segments, k.released} {
		for _, size := range sizes {
			sum += size
		}
	}
	if most := k.cfg.MaxTotalBytes; most > 0 && sum > most {
		k.fail(QuotaRespected, "%d bytes of segments, and %d are allowed", sum, most)
	}
	if k.mon.DelayedSegments {
		return // the connect that needs the segment is not known
	}
	if k.created++; k.created > 1 {
		k.fail(SegmentLifecycle, "%d segments created at once", k.created)
	}
	if most := min(cmp.Or(k.cfg.MaxBytes, fx.Size), cmp.Or(k.cfg.MaxPairBytes, fx.Size)); fx.Size > most {
		k.fail(QuotaRespected, "%d bytes for one pair, and %d are allowed", fx.Size, most)
	}
}

// Worked records that the layer was told that work on memory is done.
func (k *Memory) Worked(ev layer.Event) {
	switch ev.Kind {
	case layer.EventReleased:
		delete(k.released, ev.Segment)
	case layer.EventZeroed:
		done := func(b segments.Block) bool { return slices.Contains(ev.Blocks, b) }
		k.used[ev.Segment] = slices.DeleteFunc(k.used[ev.Segment], done)
		k.zeroing[ev.Segment] = slices.DeleteFunc(k.zeroing[ev.Segment], done)
	}
}

// place checks that each segment is followed by a free page.
func (k *Memory) place(h wire.Handle, base wire.Location, size uint64) {
	k.bases[h] = base
	for o, at := range k.bases {
		if end := at + wire.Location(k.segments[o]+segments.Page); o != h && at <= base && base < end {
			k.fail(SegmentLifecycle, "%v at %#x, %v and its guard end at %#x", h, base, o, end)
		}
		if end := base + wire.Location(size+segments.Page); o != h && base <= at && at < end {
			k.fail(SegmentLifecycle, "%v and its guard end at %#x, %v is at %#x", h, end, o, at)
		}
	}
}

// capacities checks that the fifos of a session have the sizes that its client asked for.
func (k *Memory) capacities(m wire.Message) {
	asked := k.mon.last.m
	if k.mon.DelayedSegments || asked.Type != wire.Connect {
		return
	}
	for at, want := range map[wire.Location]uint32{m.Tx: asked.RxSize, m.Rx: asked.TxSize} {
		if want == 0 {
			want = k.cfg.FifoSize
		}
		found := false
		for h, base := range k.bases {
			for _, b := range k.used[h] {
				found = found || base+wire.Location(b.Off) == at && b.Fifo == uint64(want)
			}
		}
		if !found {
			k.fail(SegmentLifecycle, "%v: at %#x is no fifo of %d bytes", m, at, want)
		}
	}
}

func bytesOf(b segments.Block) uint64 {
	if b.Slots > 0 {
		return evq.Size(b.Slots)
	}
	return fifo.Size(b.Fifo)
}

func (k *Memory) format(g wire.Handle, size uint64, b segments.Block) {
	if b.Off < shm.SegmentHeader || b.Off+bytesOf(b) > size {
		k.fail(SegmentLifecycle, "block %+v outside %v of %d bytes", b, g, size)
	}
	for _, o := range k.used[g] {
		if b.Off < o.Off+bytesOf(o) && o.Off < b.Off+bytesOf(b) {
			k.fail(SegmentLifecycle, "block %+v of %v where %+v is, or was and has not been zeroed", b, g, o)
		}
	}
	k.used[g] = append(k.used[g], b)
}

func (k *Memory) scrub(g wire.Handle, b segments.Block) {
	i := slices.Index(k.used[g], b)
	if i < 0 || b.Slots > 0 {
		k.fail(SegmentLifecycle, "zeroed %+v of %v, which is no fifo", b, g)
	}
	if slices.Contains(k.zeroing[g], b) {
		k.fail(SegmentLifecycle, "%+v of %v is being zeroed already", b, g)
	}
	k.zeroing[g] = append(k.zeroing[g], b)
}
