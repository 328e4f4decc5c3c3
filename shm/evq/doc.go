// Package evq is an event queue in shared memory: it carries small events from up to 32 producers
// to one consumer, each of which may be another process. The queue is bounded and lock-free: a
// process that dies or stops for ever at any access blocks no other process.
//
// [Init] makes a queue in a segment. [OpenProducer] and [OpenConsumer] open its sides. [Producer]
// and [Consumer] never wait. [Writer] and [Reader] add wake-ups and sleeping on doorbells.
//
// # Layout
//
// A queue begins at a multiple of 64 bytes.
//
//	0    evq.geom   uint64           magic and number of slots; written by Init, read by Open*
//	8    evq.sleep  uint32           odd while the consumer sleeps; see Consumer.ArmNonEmpty
//	12   evq.want   uint32           one bit per producer that waits for room; see Producer.ArmSpace
//	64   evq.tail   uint64           next position to fill; a hint, see Producer.Post
//	128  evq.slot   uint64 per slot
//
// Position p is slot p mod slots in lap p / slots. A slot is one word, so an event is either there
// or not: no slot is claimed but unfilled, and a producer that finds the queue full has nothing to
// give back.
//
//	bits 0 to 31   argument
//	bits 32 to 39  kind; 0: the slot is empty
//	bits 40 to 63  lap, modulo 2^24
//
// A slot goes from empty(lap) to event(lap) by the CAS of one producer, and to empty(lap+1) by the
// store of the consumer. Lap and kind of a slot say whether a position is still to be filled,
// filled, or drained, and all other words are hints. The tail may lag, because its mover can be
// killed, and every producer that notices moves it on. There is no shared head: the consumer knows
// its own position, and a later consumer derives it from the laps.
//
// A producer that stops between its two accesses to a slot for exactly 2^24 laps may fill a
// position ahead of the tail. Its event is delivered when the positions before it have been filled;
// no event is lost or delivered twice.
//
// Positions and laps are those of Vyukov's bounded queue, which claims a slot before it fills it;
// the helped tail is that of Michael and Scott.
//
// # Trust
//
// A slot or tail that no history of honest producers explains is [shm.ErrCorrupt]. A consumer must
// expect any Kind and Arg, because its producers are peers.
//
// # Concurrency
//
// Any number of tasks and processes may use Producers concurrently; each process has an id of its
// own. A queue has one Consumer at a time, used by one task at a time. There are no locks.
//
// # Limits
//
// A queue has a power of two of slots, up to [MaxSlots], and producer ids are 0 to 31.
//
// The sessions of this module never wait for room: a full queue drops the event, and the reader
// notices the loss. [Writer], [Reader], [Producer.ArmSpace] and [Consumer.TakeSpaceWaiters] stay as
// a showcase of a wait with several producers, which the simulator explores.
package evq
