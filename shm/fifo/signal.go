package fifo

// Signals wake a sleeping peer when the fifo has changed, and cost nothing while the peer is awake.
// There is one signal in each direction, and both follow the same protocol:
//
//	sleeper:  clear the flag; read the peer's counter again; sleep only if it has not moved
//	actor:    store the own counter; test and set the flag; ring if it was clear
//
// A set flag means that a ring was sent, or is about to be sent, since the flag was last cleared.
// Only the actor sets the flag, and only the sleeper clears it.
//
// No wake-up is lost. The four accesses are sequentially consistent, so they have one order. If the
// actor stores the counter before the sleeper reads it again, the sleeper sees the change and does
// not sleep. Otherwise the store comes after that read, and so after the clearing; the actor's test
// follows the store. The test finds the flag clear and the actor rings, or it finds the flag set by
// an earlier test that also followed the clearing, and that test rang. In each case a ring is sent
// after the clearing. An earlier sleep cannot have consumed it, because each sleep has a clearing
// of its own before it.
//
// The argument needs a full barrier between the two accesses of each side: store-load is the one
// reordering that real machines perform. Store and Swap are full barriers; a release store is not.
//
// A spurious or stale ring is harmless, because a sleeper that wakes begins again with the
// clearing. The clearing may not be skipped: sleeping without it, or reading the counter before it,
// is the classic lost wake-up.
//
// A peer that writes arbitrary values into these words wakes its victim for nothing or not at all.
// It could do both anyway, so no value is an error, and no loop depends on one.

// NeedsEvent publishes the staged bytes and says whether the caller must ring the consumer's
// doorbell, or send it an event, now. Call it also when Enqueue returned 0.
//
// It returns true at most once between two calls of [Consumer.ArmEvent] or [Consumer.ClearEvent],
// and false when nothing was published since its last call.
//
// The flag is fifo.has_event. The consumer clears it before it looks at the fifo for the last time,
// and the producer sets it after it has published, so no wake-up is lost.
func (p *Producer) NeedsEvent() bool {
	if p.published != p.tail {
		p.publish(p.tail)
	}
	if p.evented == p.published {
		return false
	}
	p.evented = p.published
	return p.hasEvent.Load() == 0 && p.hasEvent.Swap(1) == 0
}

// ArmEvent prepares to sleep until there are bytes: it asks for a ring and then reads the
// producer's counter once more. If it returns true there are bytes: do not sleep. If it returns
// false the next publication rings. Call it before every sleep, however the sleep before ended.
//
// ArmEvent panics when there are dequeued bytes that are not released, because both sides could
// sleep: call NeedsDequeueNotify after the last dequeue.
func (c *Consumer) ArmEvent() (bool, error) {
	if c.released != c.head {
		panic("fifo: ArmEvent before the dequeued bytes were released")
	}
	c.ClearEvent()
	if err := c.look(); err != nil {
		return false, err
	}
	return c.tail != c.head, nil
}

// ClearEvent accepts the event in flight. It is for a consumer that serves many fifos from one
// event queue and does not sleep on a single fifo. For each event call ClearEvent first, then
// dequeue until the fifo is empty, then take the next event. In any other order bytes that arrive
// in between have no event.
func (c *Consumer) ClearEvent() { c.hasEvent.Swap(0) }

// ArmDequeue prepares to sleep until n bytes are free, or the fifo is empty if n exceeds the
// capacity: it asks for a ring and then reads the consumer's counter once more. If it returns true
// the bytes are free: do not sleep. If it returns false the first release that frees n bytes rings.
// Call it before every sleep, however the sleep before ended.
//
// If n is no larger than the next write, the producer is never asleep while that write would fit.
// If n is 1 and the write is long, every small release wakes the producer.
//
// The flag is fifo.deq_ntf_sent. The number is in fifo.want_deq_ntf, a second word that only the
// producer writes, before it clears the flag: a consumer that finds the flag clear also finds the
// number. The number stays after a notification; the set flag prevents a second one. So neither
// side reads, modifies and writes a word that the other side writes in between.
//
// ArmDequeue panics when there are staged bytes, because both sides could sleep: call NeedsEvent
// after the last enqueue.
func (p *Producer) ArmDequeue(n uint64) (bool, error) {
	if p.published != p.tail {
		panic("fifo: ArmDequeue before the staged bytes were published")
	}
	n = min(n, p.cap)
	p.wantNtf.Store(n)
	p.ntfSent.Swap(0)
	if err := p.look(); err != nil {
		return false, err
	}
	return p.free() >= n, nil
}

// NeedsDequeueNotify releases the dequeued bytes and says whether the caller must ring the
// producer's doorbell now. It returns true at most once between two calls of [Producer.ArmDequeue],
// and false when nothing was released since its last call.
//
// The release comes first: a producer that is rung before the release reads an old counter and
// sleeps again. The producer's counter is read again after fifo.want_deq_ntf, so that bytes
// published before the request are not counted as free; the older value of the counter can only
// lead to false.
func (c *Consumer) NeedsDequeueNotify() (bool, error) {
	if c.err != nil {
		return false, c.err
	}
	if c.released != c.head {
		c.release(c.head)
	}
	if c.notified == c.released {
		return false, nil
	}
	c.notified = c.released
	want := c.wantNtf.Load()
	if want == 0 || c.cap-c.known() < want || c.ntfSent.Load() != 0 {
		return false, nil
	}
	if err := c.look(); err != nil {
		return false, err
	}
	return c.cap-c.known() >= want && c.ntfSent.Swap(1) == 0, nil
}
