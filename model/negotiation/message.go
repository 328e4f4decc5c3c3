package negotiation

// Message is what goes over a channel: kind, session slot, generation, segment slot, and
// place or fifo, from the low bits up. 0 is none.
type Message uint16

// The kinds of messages.
const (
	// From an application.
	MsgConnect     = 1 + iota
	MsgAcceptReply // ok
	MsgReject
	MsgDisconnect
	MsgFin
	MsgConfirm // that it has heard of a close, as an answer
	MsgUnmapReply
	MsgUnbind
	MsgDetach
	MsgEnd // of the channel

	// From the layer.
	MsgMap // segment, place
	MsgUnmap
	MsgAccept
	MsgConnected
	MsgRefused
	MsgClosed // the peer is done
	MsgReset
	MsgFinished // the peer has closed its writing direction
)

func about(kind int, slot, gen uint8) Message {
	return Message(kind) | Message(slot)<<5 | Message(gen)<<7
}

// in returns the message with a segment and a number: a place or a fifo.
func (m Message) in(segment, number uint8) Message {
	return m | Message(segment)<<10 | Message(number)<<12
}

// Kind returns the kind.
func (m Message) Kind() int { return int(m & 31) }

// Slot returns the slot of the session, if the message is about one.
func (m Message) Slot() uint8 { return uint8(m >> 5 & 3) }

// Gen returns the generation of the session, if the message is about one.
func (m Message) Gen() uint8 { return uint8(m >> 7 & 7) }

// Segment returns the slot of the segment, if the message names one.
func (m Message) Segment() uint8 { return uint8(m >> 10 & 3) }

// Number returns the place of a map, and the fifo that its receiver reads of a session.
func (m Message) Number() uint8 { return uint8(m >> 12 & 3) }

// push appends a message; false when the queue is full.
func (q *queue) push(m Message) bool {
	for i := range q {
		if q[i] == 0 {
			q[i] = m
			return true
		}
	}
	return false
}

// pop takes the oldest message.
func (q *queue) pop() Message {
	m := q[0]
	copy(q[:], q[1:])
	q[len(q)-1] = 0
	return m
}

// count returns how often a message is in the queue.
func (q *queue) count(m Message) (n int) {
	for _, x := range q {
		if x == m {
			n++
		}
	}
	return n
}

// room says whether n more messages fit.
func (q *queue) room(n int) bool { return q[len(q)-n] == 0 }

// maxQueue is the number of messages under way in one direction of a channel.
const maxQueue = 7

// queue is a channel in one direction, oldest first, zero behind the last.
type queue [maxQueue]Message
