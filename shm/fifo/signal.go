package fifo

// Signals tell a sleeping peer that the fifo has changed, and say nothing while
// nobody sleeps. There is one in each direction, and both are the same bargain:
//
//	one who sleeps:  clear the flag; then look at the peer's counter again; sleep
//	                 only if it has not moved
//	one who acts:    store the own counter; then test and set the flag; ring if
//	                 it was clear
//
// A set flag means that a ring was sent, or is about to be, since the flag was
// last cleared. It is set only by the one who acts and cleared only by the one who
// sleeps.
//
// No sleeper is lost. All four accesses are sequentially consistent, so they have
// one order. Either the counter is stored before the sleeper looks again: then it sees
// the change and does not sleep. Or it is stored after, and after the clearing: then
// the test that follows finds the flag clear and rings, or finds it set, by an
// earlier test that also came after the clearing, and that one rings. In every case
// a ring is sent after the clearing and cannot have been consumed by an
// earlier sleep, because each sleep has a clearing of its own before it. This needs a full
// barrier between the two accesses on both sides: store-load is the one reordering that
// real machines do. Store and Swap are full barriers; a release store is not.
//
// Spurious and stale rings are harmless because a sleeper that wakes starts again
// from the clearing. It must not skip that: only the clearing makes a ring
// sure. Sleeping without it, or looking before it, is the classic lost wake-up.
//
// A peer that writes nonsense into these words wakes its victim for nothing or
// not at all, which it could do anyway. No value is an error and none is looped on.

// NeedsEvent publishes the staged bytes and says whether the caller must ring the
// consumer's doorbell, or send it an event, now. Ask also when an Enqueue returned 0. It is
// true at most once between two calls of [Consumer.ArmEvent] or
// [Consumer.ClearEvent], and false when nothing was published since it was last asked.
func (p *Producer) NeedsEvent() bool {
	if p.published != p.tail {
		p.publish(p.tail)
	}
	if p.evented == p.published {
		return false
	}
	p.evented = p.published
	return p.event.Load() == 0 && p.event.Swap(1) == 0
}

// ArmEvent prepares to sleep until there are bytes: it asks for a ring and then
// looks once more. When it returns true there are bytes: do not sleep. When
// it returns false the next bytes ring. Call it again before every sleep, whatever
// ended the one before.
//
// Precondition: NeedsDequeueNotify was called after the last bytes were taken; it
// panics when there are unreleased bytes, because both sides could sleep.
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

// ClearEvent accepts the event in flight, for a consumer that is driven by an
// event queue and does not sleep on one fifo. Upon an event: ClearEvent first,
// then dequeue until nothing is left, and only then turn to the next event. In
// any other order bytes that come in between have no event.
func (c *Consumer) ClearEvent() { c.event.Swap(0) }

// ArmDequeue prepares to sleep until at least n bytes are free, at most the capacity,
// which means until the fifo is empty: it asks for a ring and then looks once more. When
// it returns true they are free: do not sleep. When it returns false the first release
// after which they are will ring. Call it again before every sleep, whatever ended the
// one before.
//
// A producer that asks for no more than it needs is never left waiting with its
// bytes fitting. One that asks for a single byte, though it has many to write, is woken
// for every little that a consumer takes.
//
// The flag of this signal is sig.has. The number in sig.want is a second word that only
// the producer writes, before it clears the flag: a consumer that finds the flag clear
// since then finds the number too. It stays after a notification; it is the flag, still
// set, that prevents a second one. So nobody ever reads, modifies and writes a word that
// the other side writes in between.
//
// Precondition: NeedsEvent was asked after the last bytes were staged; it panics when
// there are staged bytes, because both sides could sleep.
func (p *Producer) ArmDequeue(n uint64) (bool, error) {
	if p.published != p.tail {
		panic("fifo: ArmDequeue before the staged bytes were published")
	}
	n = min(n, p.cap)
	p.want.Store(n)
	p.has.Swap(0)
	if err := p.look(); err != nil {
		return false, err
	}
	return p.free() >= n, nil
}

// NeedsDequeueNotify releases the dequeued bytes and says whether the caller must
// ring the producer's doorbell now. It is true at most once between two calls of
// [Producer.ArmDequeue], and false when nothing was released since it was last asked.
//
// The release comes first: a producer that was rung, looked and saw nothing new
// would sleep again and never hear of it. The producer's counter is looked at again
// after sig.want was read, so that what is free is not overrated by bytes that the producer
// published before it asked; the old value serves only to say no.
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
	want := c.want.Load()
	if want == 0 || c.cap-c.known() < want || c.has.Load() != 0 {
		return false, nil
	}
	if err := c.look(); err != nil {
		return false, err
	}
	return c.cap-c.known() >= want && c.has.Swap(1) == 0, nil
}
