package properties

import (
	"slices"

	"cutthrough/impl"
	"cutthrough/shm"
)

// propEffects: what the session layer has done with segments and channels makes sense.
const propEffects = "Effects"

// memoryBook keeps the books of what the session layer has had created and formatted.
type memoryBook struct {
	fail     failer
	mon      *sessionMonitor
	segments map[impl.Handle]uint64       // sizes of those that exist or are being created
	used     map[impl.Handle][]impl.Block // formatted, and not scrubbed since
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
		k.segments[fx.Segment] = fx.Size
	case impl.FxDestroy:
		for ch, c := range k.mon.channels {
			if _, ok := c.held[fx.Segment]; ok && !c.gone {
				k.fail(propEffects, "%v destroyed, channel %d has it", fx.Segment, ch)
			}
		}
		delete(k.segments, fx.Segment)
		delete(k.used, fx.Segment)
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
	}
}

func bytesOf(b impl.Block) uint64 {
	if b.Slots > 0 {
		return shm.QueueBytes(b.Slots)
	}
	return shm.FifoBytes(b.Fifo)
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
