package negotiation

// message is kind, session slot, generation, segment slot, and place or fifo, from the
// low bits up. 0 is none.
type message uint16

// The kinds of messages.
const (
	// From an application.
	mConnect     = 1 + iota
	mAcceptReply // ok
	mReject
	mDisconnect
	mFin
	mConfirm // that it has heard of a close, as an answer
	mUnmapReply
	mUnbind
	mDetach
	mEnd // of the channel

	// From the layer.
	mMap // segment, place
	mUnmap
	mAccept
	mConnected
	mRefused
	mClosed // the peer is done
	mReset
	mFinished // the peer has closed its writing direction
)

func about(kind int, slot, gen uint8) message {
	return message(kind) | message(slot)<<5 | message(gen)<<7
}

// in returns the message with a segment and a number: a place or a fifo.
func (m message) in(segment, number uint8) message {
	return m | message(segment)<<9 | message(number)<<11
}

func (m message) kind() int      { return int(m & 31) }
func (m message) slot() uint8    { return uint8(m >> 5 & 3) }
func (m message) gen() uint8     { return uint8(m >> 7 & 3) }
func (m message) segment() uint8 { return uint8(m >> 9 & 3) }
func (m message) number() uint8  { return uint8(m >> 11 & 3) }

// push appends a message; false when the queue is full.
func (q *queue) push(m message) bool {
	for i := range q {
		if q[i] == 0 {
			q[i] = m
			return true
		}
	}
	return false
}

// pop takes the oldest message.
func (q *queue) pop() message {
	m := q[0]
	copy(q[:], q[1:])
	q[len(q)-1] = 0
	return m
}

// room says whether n more messages fit.
func (q *queue) room(n int) bool { return q[len(q)-n] == 0 }

// say sends a message of an application to the layer.
func (s *State) say(a int, m message) {
	if !s.up[a].push(m) {
		s.full = true
	}
}

// tell sends a message of the layer to an application. One that has left does not hear it.
func (s *State) tell(a uint8, m message) {
	if s.apps[a].state != attached {
		return
	}
	if !s.down[a].push(m) {
		s.full = true
	}
}
