// Package fifo is a byte stream in shared memory, from one producer to one consumer. The two sides
// may be in different processes and do not trust each other.
//
// [Init] formats a fifo in a segment. [OpenProducer] and [OpenConsumer] open its sides. [Producer]
// and [Consumer] move bytes and never wait. [Writer] and [Reader] add sleeping on doorbells. The
// signals between the two sides are described at [Producer.NeedsEvent].
//
// # Layout
//
// A fifo begins at a multiple of 64 bytes.
//
//	0    fifo.cap           uint64  bytes of data area; written by Init, read by Open*, never again
//	8    fifo.start         uint64  first value of both counters; likewise
//	16   fifo.magic         uint64  likewise
//	32   fifo.producer_state uint32 its [State]; written by the producer only
//	36   fifo.consumer_state uint32 likewise of the consumer
//	64   fifo.deq_ntf_sent  uint32  a dequeue notification is in flight
//	128  fifo.tail          uint64  counts bytes enqueued; written by the producer only
//	256  fifo.head          uint64  counts bytes dequeued; written by the consumer only
//	384  fifo.has_event     uint32  an event is in flight
//	512  fifo.want_deq_ntf  uint64  free bytes for which the producer wants a notification
//	640  fifo.data          [cap]byte
//
// Each word that one side writes while the other reads it has a cache line of its own, and the next
// line too, because prefetchers fetch lines in pairs. The states change twice in the life of a fifo, so
// both processors keep their line, and a look at the peer's state costs next to nothing.
//
// The counters run freely through all 64 bits and wrap. In modular arithmetic head <= tail <=
// head+cap always holds: the producer advances fifo.tail only into space that it has seen free, and
// the consumer advances fifo.head only over bytes that it has seen. So each side may work with an
// old copy of the peer's counter: the real space and the real data can only be more. The order of
// stores is all the synchronisation there is: bytes are written before the store of the tail that
// covers them, and read before the store of the head that frees their space.
//
// # Trust
//
// Each side keeps its own counter, its position in the data area, the geometry and the last value
// of the peer's counter in private memory, and believes only those. A counter of the peer that is
// impossible is [shm.ErrCorrupt], now and from every later call of that side. Bytes that were seen
// stay valid; the fifo is unusable.
//
// A position is not counter % cap, which would jump where the counter wraps unless cap is a power
// of two. It is derived from the distance to fifo.start when a side opens the fifo, and moves in
// step with the counter from then on.
//
// # Concurrency
//
// A fifo has at most one Producer and one Consumer at a time. Each may be used by one goroutine at
// a time; the two sides run concurrently without locks. A process that dies at any access leaves a
// fifo that another process can open again: it continues at the last published or released counter.
//
// # Limits
//
// The capacity is any number of bytes from 1 to what fits in the segment. One side moves at most 2
// KiB before it stores its counter.
package fifo
