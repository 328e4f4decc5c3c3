package layer

import (
	"errors"

	"cutthrough/impl/wire"
)

// channel is what the session layer knows of a control channel.
type channel struct {
	app       wire.Handle // 0 while no application is attached
	user      uint32
	peer      wire.Peer
	handshake timerID // runs while no application is attached
}

// errHandshake is why a channel is hung up of which no application attaches.
var errHandshake = errors.New("no application has attached in time")

// open makes ch a channel of user, in the process peer, on which no application is attached; it has a time to attach.
func (l *Core) open(ch Channel, user uint32, peer wire.Peer) {
	c := channel{user: user, peer: peer}
	if l.cfg.HandshakeTimeout > 0 {
		l.timers.startChannel(&c.handshake, l.now+l.cfg.HandshakeTimeout, ch)
	}
	l.channels[ch] = c
}

// onHandshakeTimeout hangs up a channel of which no application has attached in time.
func (l *Core) onHandshakeTimeout(ch Channel) {
	c := l.channels[ch]
	l.timers.stop(&c.handshake)
	l.channels[ch] = c
	l.out = append(l.out, Effect{Kind: EffectHangup, Channel: ch, Err: errHandshake})
}
