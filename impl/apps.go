package impl

import (
	"net/netip"
	"slices"
)

// app is an attached application.
type app struct {
	h         Handle
	channel   Channel
	ns        int // index of its namespace
	scope     uint8
	listeners []Handle
	pairs     []Handle
	sessions  int    // live ones, both roles
	peak      int    // most sessions at once, since it was last known to have read everything
	bytes     uint64 // of segments that its connects made
}

// listener is an endpoint that an application listens on. It owns its entries in the
// tables (H-19).
type listener struct {
	h        Handle
	app      Handle
	endpoint Endpoint
	keys     []tableKey
}

// globalTable is the table of listeners with global scope; the others are by namespace.
const globalTable = -1

// tableKey is a listener's name in a lookup table.
type tableKey struct {
	table    int
	endpoint Endpoint
}

func (l *Layer) attach(ch Channel, a *app, m Message) {
	reply := Message{Kind: MsgAttachReply, Context: m.Context}
	ns := l.namespace(m.Namespace)
	switch {
	case a != nil:
		reply.Status = AlreadyAttached
	case ns < 0:
		reply.Status = NoNamespace
	case l.secret(ns) != m.Secret:
		reply.Status = WrongSecret
	case l.apps.count() >= l.cfg.MaxApps:
		reply.Status = QuotaExceeded
	default:
		n := &app{channel: ch, ns: ns, scope: m.Scope}
		if n.scope == 0 {
			n.scope = ScopeGlobal
		}
		n.h = l.apps.add(n)
		l.channels[ch] = n.h
		reply.Handle = n.h
	}
	l.out = append(l.out, Effect{Kind: FxSend, Channel: ch, Msg: reply})
}

// namespace returns the index of the namespace, len(cfg.Namespaces) for a default
// one that is not configured, or -1.
func (l *Layer) namespace(name string) int {
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

func (l *Layer) secret(ns int) uint64 {
	if ns == len(l.cfg.Namespaces) {
		return 0
	}
	return l.cfg.Namespaces[ns].Secret
}

// own says whether addr is this machine's in namespace ns.
func (l *Layer) own(ns int, addr netip.Addr) bool {
	if addr.IsLoopback() {
		return true
	}
	return ns < len(l.cfg.Namespaces) && slices.Contains(l.cfg.Namespaces[ns].Own, addr)
}

// endpoint returns what a bind, unbind or connect names.
func (m *Message) endpoint() (Endpoint, bool) {
	if m.URI == "" {
		return m.Endpoint, m.Endpoint.Addr.IsValid() && m.Endpoint.Addr.Port() != 0
	}
	e, err := ParseURI(m.URI)
	return e, err == nil && m.Endpoint == Endpoint{}
}

func (l *Layer) bind(a *app, m Message) {
	reply := Message{Kind: MsgBindReply, Context: m.Context}
	e, ok := m.endpoint()
	keys := a.keys(e)
	switch {
	case !ok:
		reply.Status = Unsupported
	case !e.Addr.Addr().IsUnspecified() && !l.own(a.ns, e.Addr.Addr()):
		reply.Status = Invalid
	case slices.ContainsFunc(keys, func(k tableKey) bool { return l.table[k] != 0 }):
		reply.Status = AddressInUse
	case len(a.listeners) >= l.cfg.MaxListeners:
		reply.Status = QuotaExceeded
	default:
		li := &listener{app: a.h, endpoint: e, keys: keys}
		li.h = l.listeners.add(li)
		a.listeners = append(a.listeners, li.h)
		for _, k := range keys {
			l.table[k] = li.h
		}
		reply.Handle, reply.Endpoint = li.h, e
	}
	l.send(a, reply)
}

// keys returns the names that a listener of a at e has.
func (a *app) keys(e Endpoint) []tableKey {
	var keys []tableKey
	if a.scope&ScopeLocal != 0 {
		keys = append(keys, tableKey{a.ns, e})
	}
	if a.scope&ScopeGlobal != 0 {
		keys = append(keys, tableKey{globalTable, e})
	}
	return keys
}

func (l *Layer) unbind(a *app, m Message) {
	reply := Message{Kind: MsgUnbindReply, Context: m.Context, Handle: m.Handle}
	li := l.listeners.get(m.Handle)
	if m.Handle == 0 && m.URI != "" {
		e, ok := m.endpoint()
		if !ok {
			reply.Status = Unsupported
			l.send(a, reply)
			return
		}
		li = l.listeners.get(l.table[a.keys(e)[0]])
		if li == nil || li.app != a.h {
			reply.Status = AddressNotInUse
			l.send(a, reply)
			return
		}
	}
	if li == nil || li.app != a.h {
		reply.Status = Invalid
		l.send(a, reply)
		return
	}
	reply.Handle = li.h
	l.removeListener(a, li)
	l.send(a, reply)
}

// removeListener takes a listener out of the tables and refuses the connects that
// wait for its answer. Established sessions stay.
func (l *Layer) removeListener(a *app, li *listener) {
	for _, k := range li.keys {
		if l.table[k] != li.h {
			panic("impl: table entry of " + li.h.String() + " is another's")
		}
		delete(l.table, k)
	}
	a.listeners = slices.DeleteFunc(a.listeners, func(h Handle) bool { return h == li.h })
	var pending []*session
	l.eachSession(a, func(s *session) {
		if s.listener == li.h && s.state < stateReady {
			pending = append(pending, s)
		}
	})
	for _, s := range pending {
		l.failConnect(s, Refused)
		if s.sides[server].told && !s.sides[server].done {
			l.notify(s, server, Message{Kind: MsgDisconnect})
		} else {
			s.sides[server].done = true
		}
		l.settle(s)
	}
	l.listeners.remove(li.h)
}

// lookup finds the listener that a connect of a to e reaches: exact, then wildcard,
// and that only for addresses of this machine (H-10).
func (l *Layer) lookup(a *app, e Endpoint) (*listener, Status) {
	addr := e.Addr.Addr()
	if addr.IsUnspecified() {
		return nil, Invalid
	}
	if a.scope&ScopeLocal != 0 {
		if li := l.find(a.ns, a.ns, e); li != nil {
			return li, OK
		}
	}
	if addr.IsLoopback() {
		return nil, Refused
	}
	if a.scope&ScopeGlobal == 0 {
		return nil, WrongScope
	}
	if li := l.find(globalTable, a.ns, e); li != nil {
		return li, OK
	}
	return nil, Refused
}

func (l *Layer) find(table, ns int, e Endpoint) *listener {
	if li := l.listeners.get(l.table[tableKey{table, e}]); li != nil {
		return li
	}
	addr := e.Addr.Addr()
	if !l.own(ns, addr) {
		return nil
	}
	wildcard := netip.IPv4Unspecified()
	if addr.Is6() {
		wildcard = netip.IPv6Unspecified()
	}
	e.Addr = netip.AddrPortFrom(wildcard, e.Addr.Port())
	return l.listeners.get(l.table[tableKey{table, e}])
}

// leave removes an application in whatever state it is: it detached, so it has
// stopped using everything, or it is dead.
func (l *Layer) leave(a *app) {
	for _, h := range slices.Clone(a.pairs) {
		l.leavePair(a, l.pairs.get(h))
	}
	for len(a.listeners) > 0 { // nothing is pending any more
		l.removeListener(a, l.listeners.get(a.listeners[0]))
	}
	l.apps.remove(a.h)
}
