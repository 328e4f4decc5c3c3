package layer

import (
	"net/netip"
	"slices"

	"cutthrough/impl/wire"
)

// app is an attached application.
type app struct {
	h             wire.Handle
	channel       Channel
	user          uint32
	peer          wire.Peer // its process
	ns            int       // index of its namespace
	scope         uint8
	listeners     []wire.Handle
	pairs         []wire.Handle
	sessions      int    // live ones, both roles
	held          [2]int // sessions that it has not given up, by its role
	backlogCredit int    // most sessions at once, since it was last known to have read everything
	bytes         uint64 // of segments that it pays for
}

// attach handles the request to attach, which the driver may have decided to refuse.
func (l *Core) attach(ch Channel, a *app, m wire.Message, refuse wire.Status) {
	c := l.channels[ch]
	reply := wire.Message{Type: wire.AttachReply, RequestID: m.RequestID}
	ns := l.namespace(m.Namespace)
	switch {
	case a != nil:
		reply.Status = wire.AlreadyAttached
	case refuse != wire.OK:
		reply.Status = refuse
	case ns < 0:
		reply.Status = wire.NoNamespace
	case l.secret(ns) != m.Secret:
		reply.Status = wire.WrongSecret
	case l.apps.Len() >= l.cfg.MaxApps || l.users[c.user].apps >= l.cfg.MaxUserApps:
		reply.Status = wire.QuotaExceeded
	default:
		n := &app{channel: ch, user: c.user, peer: c.peer, ns: ns, scope: m.Scope}
		if n.scope == 0 {
			n.scope = wire.ScopeGlobal
		}
		n.h = l.apps.Add(n)
		c.app = n.h
		l.timers.stop(&c.handshake)
		l.channels[ch] = c
		l.charge(n.user, account{apps: 1})
		reply.Handle = n.h
	}
	l.out = append(l.out, Effect{Kind: EffectSend, Channel: ch, Msg: reply})
}

// namespace returns the index of the namespace, len(cfg.Namespaces) for a default
// one that is not configured, or -1.
func (l *Core) namespace(name string) int {
	for i, ns := range l.cfg.Namespaces {
		if ns.Name == name {
			return i
		}
	}
	if name == "" {
		return len(l.cfg.Namespaces)
	}
	return -1
}

func (l *Core) secret(ns int) uint64 {
	if ns == len(l.cfg.Namespaces) {
		return 0
	}
	return l.cfg.Namespaces[ns].Secret
}

// own says whether addr is this machine's in namespace ns.
func (l *Core) own(ns int, addr netip.Addr) bool {
	if addr.IsLoopback() {
		return true
	}
	return ns < len(l.cfg.Namespaces) && slices.Contains(l.cfg.Namespaces[ns].Own, addr)
}

// onAppGone removes an application in whatever state it is: it has detached, so it has stopped using
// everything, or it is dead.
func (l *Core) onAppGone(a *app) {
	for _, h := range slices.Clone(a.pairs) {
		l.leavePair(a, l.pairs.Get(h))
	}
	for len(a.listeners) > 0 { // nothing is pending any more
		l.removeListener(a, l.listeners.Get(a.listeners[0]))
	}
	l.charge(a.user, account{apps: -1})
	l.apps.Remove(a.h)
}
