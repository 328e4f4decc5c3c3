package oracle

import "cutthrough/impl"

// This file is what [Messages] checks of what applications say that use the library, which
// keeps to the rules: it answers what it was told, once, and closes what it has, once.

// manners is what an application has been told and has said.
type manners struct {
	polite   bool // it uses the library
	owes     map[owed]int
	contexts map[uint64]bool
	closed   map[impl.Handle]impl.Kind // how it closed its sessions
}

// owed is an answer to a notification.
type owed struct {
	kind impl.Kind
	h    impl.Handle
}

func newManners() manners {
	return manners{owes: map[owed]int{}, contexts: map[uint64]bool{}, closed: map[impl.Handle]impl.Kind{}}
}

// told notes what an application is told.
func (c *manners) told(m impl.Message) {
	switch m.Kind {
	case impl.MsgMap, impl.MsgUnmap, impl.MsgAccept:
		c.owes[owed{m.Kind + 1, m.Handle}]++
	}
}

// behaves checks what an application says.
func (o *Messages) behaves(ch impl.Channel, c *watched, m impl.Message) {
	switch m.Kind {
	case impl.MsgMapReply, impl.MsgUnmapReply, impl.MsgAcceptReply:
		if c.owes[owed{m.Kind, m.Handle}] == 0 || m.Context != 0 {
			o.wrong(ch, m, "an answer to nothing that it was told")
		}
		c.owes[owed{m.Kind, m.Handle}]--
		return
	case impl.MsgDisconnect, impl.MsgReset:
		if c.closed[m.Handle] != 0 || m.Handle.Kind() != impl.KindSession {
			o.wrong(ch, m, "it has closed that, or it is nothing that can be")
		}
		if m.How != impl.CloseWrite {
			c.closed[m.Handle] = m.Kind
		}
	}
	if c.contexts[m.Context] {
		o.wrong(ch, m, "it has asked something else like that")
	}
	c.contexts[m.Context] = true
}

// Thrown is a close that throws away bytes.
type Thrown struct {
	App    int
	Handle impl.Handle
}

// MustReset checks that the session layer was told of bytes that were thrown away, unless by who was
// told the same first.
func (o *Messages) MustReset(t Thrown) bool {
	ch := o.channel[t.App]
	c, s := o.channels[ch], o.sessions[t.Handle]
	return s == nil || s.reset[ch] || c.closed[t.Handle] == impl.MsgReset
}
