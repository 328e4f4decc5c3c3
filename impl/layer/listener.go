package layer

import (
	"net/netip"
	"slices"

	"cutthrough/impl/wire"
)

// listener is an endpoint that an application listens on. It owns its entries in the
// tables (H-19).
type listener struct {
	h        wire.Handle
	app      wire.Handle
	endpoint wire.Endpoint
	keys     []tableKey
}

// globalTable is the table of listeners with global scope; the others are by namespace.
const globalTable = -1

// tableKey is a listener's name in a lookup table.
type tableKey struct {
	table    int
	endpoint wire.Endpoint
}

func (l *Core) bind(a *app, m wire.Message) {
	reply := wire.Message{Type: wire.BindReply, RequestID: m.RequestID}
	e, ok := m.Target()
	free := true
	if ok && e.Proto != wire.Unix && e.Addr.Port() == 0 {
		e, free = l.choosePort(a, e)
	}
	keys := a.keys(e)
	switch {
	case !ok:
		reply.Status = wire.Unsupported
	case e.Name == "" && !e.Addr.Addr().IsUnspecified() && !l.own(a.ns, e.Addr.Addr()):
		reply.Status = wire.Invalid
	case !free || slices.ContainsFunc(keys, func(k tableKey) bool { return l.directory[k] != 0 }):
		reply.Status = wire.AddressInUse
	case len(a.listeners) >= l.cfg.MaxListeners || l.users[a.user].listeners >= l.cfg.MaxUserListeners:
		reply.Status = wire.QuotaExceeded
	default:
		li := &listener{app: a.h, endpoint: e, keys: keys}
		li.h = l.listeners.Add(li)
		a.listeners = append(a.listeners, li.h)
		l.charge(a.user, account{listeners: 1})
		for _, k := range keys {
			l.directory[k] = li.h
			l.countPort(k, 1)
		}
		reply.Handle, reply.Endpoint = li.h, e
	}
	l.send(a, reply)
}

// keys returns the names that a listener of a at e has.
func (a *app) keys(e wire.Endpoint) []tableKey {
	var keys []tableKey
	if a.scope&wire.ScopeLocal != 0 {
		keys = append(keys, tableKey{a.ns, e})
	}
	if a.scope&wire.ScopeGlobal != 0 {
		keys = append(keys, tableKey{globalTable, e})
	}
	return keys
}

func (l *Core) unbind(a *app, m wire.Message) {
	reply := wire.Message{Type: wire.UnbindReply, RequestID: m.RequestID, Handle: m.Handle}
	li := l.listeners.Get(m.Handle)
	if m.Handle == 0 && m.URI != "" {
		e, ok := m.Target()
		if !ok {
			reply.Status = wire.Unsupported
			l.send(a, reply)
			return
		}
		li = l.listeners.Get(l.directory[a.keys(e)[0]])
		if li == nil || li.app != a.h {
			reply.Status = wire.AddressNotInUse
			l.send(a, reply)
			return
		}
	}
	if li == nil || li.app != a.h {
		reply.Status = wire.Invalid
		l.send(a, reply)
		return
	}
	reply.Handle = li.h
	l.removeListener(a, li)
	l.send(a, reply)
}

// removeListener takes a listener out of the tables and refuses the connects that
// wait for its answer. Established sessions stay.
func (l *Core) removeListener(a *app, li *listener) {
	for _, k := range li.keys {
		if l.directory[k] != li.h {
			panic("impl: table entry of " + li.h.String() + " is another's")
		}
		delete(l.directory, k)
		l.countPort(k, -1)
	}
	a.listeners = slices.DeleteFunc(a.listeners, func(h wire.Handle) bool { return h == li.h })
	var pending []*session
	l.eachSession(a, func(s *session) {
		if s.listener == li.h && s.state < stateReady {
			pending = append(pending, s)
		}
	})
	for _, s := range pending {
		l.failConnect(s, wire.Refused)
		if s.sides[server].notified && !s.sides[server].done {
			l.notify(s, server, wire.Message{Type: wire.Disconnect})
		} else {
			l.giveUp(s, server)
		}
		l.releaseIfDone(s)
	}
	l.listeners.Remove(li.h)
	l.charge(a.user, account{listeners: -1})
}

// lookup finds the listener that a connect of a to e reaches: exact, then wildcard,
// and that only for addresses of this machine (H-10).
func (l *Core) lookup(a *app, e wire.Endpoint) (*listener, wire.Status) {
	addr := e.Addr.Addr()
	if addr.IsUnspecified() {
		return nil, wire.Invalid
	}
	if a.scope&wire.ScopeLocal != 0 {
		if li := l.find(a.ns, a.ns, e); li != nil {
			return li, wire.OK
		}
	}
	if addr.IsLoopback() {
		return nil, wire.Refused
	}
	if a.scope&wire.ScopeGlobal == 0 {
		return nil, wire.WrongScope
	}
	if li := l.find(globalTable, a.ns, e); li != nil {
		return li, wire.OK
	}
	return nil, wire.Refused
}

func (l *Core) find(table, ns int, e wire.Endpoint) *listener {
	if li := l.listeners.Get(l.directory[tableKey{table, e}]); li != nil {
		return li
	}
	addr := e.Addr.Addr()
	if e.Name != "" || !l.own(ns, addr) {
		return nil // names have no wildcard
	}
	wildcard := netip.IPv4Unspecified()
	if addr.Is6() {
		wildcard = netip.IPv6Unspecified()
	}
	e.Addr = netip.AddrPortFrom(wildcard, e.Addr.Port())
	return l.listeners.Get(l.directory[tableKey{table, e}])
}

// The ports that a bind to port 0 may get: those that Linux gives unless configured.
const (
	firstPort = 32768
	ports     = 60999 - firstPort + 1
)

// choosePort returns e with a port at which nothing listens in any table that a listener of a would be in, whatever its
// address, so that the listener gets what is for it and no other's. It takes them in turn: what dials a port late finds
// nothing there, and not what has got it since. False: there is none.
func (l *Core) choosePort(a *app, e wire.Endpoint) (wire.Endpoint, bool) {
	for i := range ports {
		port := firstPort + uint16((int(l.lastPort)+i)%ports)
		key := e.WithPort(port)
		if !slices.ContainsFunc(a.keys(key), func(k tableKey) bool { return l.ports[portOf(k)] > 0 }) {
			l.lastPort = port - firstPort + 1
			return key, true
		}
	}
	return e, false
}

// portKey is a port in a table, of whatever host.
type portKey struct {
	table int
	proto wire.Proto
	port  uint16
}

func portOf(k tableKey) portKey { return portKey{k.table, k.endpoint.Proto, k.endpoint.Addr.Port()} }

// countPort notes that there is one listener more, or less, at the port of k.
func (l *Core) countPort(k tableKey, n int) {
	p := portOf(k)
	if l.ports[p] += n; l.ports[p] == 0 {
		delete(l.ports, p)
	}
}
