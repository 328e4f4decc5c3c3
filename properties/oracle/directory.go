package oracle

import (
	"fmt"
	"net/netip"
	"slices"

	"cutthrough/impl/layer"
	"cutthrough/impl/wire"
)

// DirectoryOracle predicts the answers to requests that names, scopes and quotas decide. It is a second
// implementation of the directory, without tables: a lookup compares the address with each listener in turn.
type DirectoryOracle struct {
	cfg       layer.Config
	apps      []directoryApp
	listeners []directoryListener
	accepts   []wire.Message // made in this step
	users     map[int]uint32 // of applications; 0 where none was told
}

type directoryApp struct {
	id, ns        int
	user          uint32
	local, global bool
}

type directoryListener struct {
	owner    directoryApp
	h        wire.Handle
	endpoint wire.Endpoint
}

// Expectation is the predicted outcome of a request.
type Expectation struct {
	asked    bool // the message is a request that names, scopes or quotas decide
	status   wire.Status
	listener *directoryListener // that a connect reaches
}

// NewDirectoryOracle returns the directory of a session layer made with cfg.
func NewDirectoryOracle(cfg layer.Config) *DirectoryOracle {
	return &DirectoryOracle{cfg: cfg, users: map[int]uint32{}}
}

// Connected records the user of an application.
func (n *DirectoryOracle) Connected(id int, user uint32) { n.users[id] = user }

// Attached says whether an application is attached now.
func (n *DirectoryOracle) Attached(id int) bool { return n.app(id) != nil }

// Asked records an accept that the session layer sent for the last message given to Expect.
func (n *DirectoryOracle) Asked(m wire.Message) { n.accepts = append(n.accepts, m) }

func (n *DirectoryOracle) app(id int) *directoryApp {
	if i := slices.IndexFunc(n.apps, func(a directoryApp) bool { return a.id == id }); i >= 0 {
		return &n.apps[i]
	}
	return nil
}

// Left removes an application and its listeners.
func (n *DirectoryOracle) Left(id int) {
	n.apps = slices.DeleteFunc(n.apps, func(a directoryApp) bool { return a.id == id })
	n.listeners = slices.DeleteFunc(n.listeners, func(l directoryListener) bool { return l.owner.id == id })
}

// Expect returns the predicted outcome of a message of an application.
func (n *DirectoryOracle) Expect(id int, m wire.Message) Expectation {
	n.accepts = nil
	a := n.app(id)
	if m.Type == wire.Attach {
		return Expectation{asked: true, status: n.attach(id, a, m)}
	}
	if a == nil {
		return Expectation{} // AttachFirst is checked by Messages
	}
	e, ok := endpointOf(m)
	switch m.Type {
	case wire.Bind:
		return Expectation{asked: true, status: n.bind(a, e, ok)}
	case wire.Unbind:
		return Expectation{asked: true, status: n.unbind(a, m, e, ok)}
	case wire.Connect:
		x := Expectation{asked: true, status: wire.Unsupported}
		if ok {
			x.listener, x.status = n.lookup(a, e)
		}
		switch {
		case x.status != wire.OK:
		case max(m.RxSize, m.TxSize) > 1<<28:
			x.status = wire.Unsupported
		case x.listener.owner.id == id:
			x.status = wire.SelfConnect
		}
		return x
	}
	return Expectation{}
}

// Compare compares the replies to a message with the prediction, and updates the directory.
func (n *DirectoryOracle) Compare(id int, m wire.Message, want Expectation, replies []wire.Message) error {
	if m.Type == wire.Detach {
		n.Left(id)
	}
	if !want.asked {
		return nil
	}
	if m.Type == wire.Connect && want.status == wire.OK {
		return n.connected(m, want, replies)
	}
	if len(replies) != 1 || replies[0].Status != want.status {
		return fmt.Errorf("was answered %v, want %q", replies, want.status)
	}
	if want.status != wire.OK {
		return nil
	}
	r := replies[0]
	switch m.Type {
	case wire.Attach:
		ns := slices.IndexFunc(n.cfg.Namespaces, func(s layer.Namespace) bool { return s.Name == m.Namespace })
		n.apps = append(n.apps, directoryApp{id, ns, n.users[id], m.Scope&wire.ScopeLocal != 0, m.Scope&wire.ScopeGlobal != 0 || m.Scope == 0})
	case wire.Bind:
		e, _ := endpointOf(m)
		open := portOpen(e)
		if open {
			e = e.WithPort(r.Endpoint.Addr.Port())
		}
		if r.Endpoint != e || portOpen(e) || open && n.taken(n.app(id), e) {
			return fmt.Errorf("listens at %v", r.Endpoint)
		}
		n.listeners = append(n.listeners, directoryListener{*n.app(id), r.Handle, e})
	case wire.Unbind:
		n.listeners = slices.DeleteFunc(n.listeners, func(l directoryListener) bool { return l.h == r.Handle })
	}
	return nil
}

// connected checks a connect that reaches a listener: the listener is asked to accept, unless a quota or a lack
// of memory refuses the connect first.
func (n *DirectoryOracle) connected(m wire.Message, want Expectation, replies []wire.Message) error {
	for _, x := range n.accepts {
		if x.Listener != want.listener.h {
			return fmt.Errorf("%v, want (%v)", x, want.listener.h)
		}
	}
	tight := n.cfg.MaxBytes+n.cfg.MaxUserBytes+n.cfg.MaxPairBytes > 0
	for _, r := range replies {
		if !tight || r.Status != wire.QuotaExceeded && r.Status != wire.NoMemory {
			return fmt.Errorf("was answered %v", r)
		}
	}
	return nil
}

func (n *DirectoryOracle) attach(id int, a *directoryApp, m wire.Message) wire.Status {
	mine := 0
	for _, o := range n.apps {
		if o.user == n.users[id] {
			mine++
		}
	}
	ns := slices.IndexFunc(n.cfg.Namespaces, func(s layer.Namespace) bool { return s.Name == m.Namespace })
	switch {
	case a != nil:
		return wire.AlreadyAttached
	case ns < 0:
		return wire.NoNamespace
	case n.cfg.Namespaces[ns].Secret != m.Secret:
		return wire.WrongSecret
	case n.cfg.MaxApps > 0 && len(n.apps) >= n.cfg.MaxApps, n.cfg.MaxUserApps > 0 && mine >= n.cfg.MaxUserApps:
		return wire.QuotaExceeded
	}
	return wire.OK
}

func (n *DirectoryOracle) bind(a *directoryApp, e wire.Endpoint, ok bool) wire.Status {
	if !ok {
		return wire.Unsupported
	}
	if e.Name == "" && !e.Addr.Addr().IsUnspecified() && !n.own(a, e.Addr.Addr()) {
		return wire.Invalid
	}
	mine, users := 0, 0
	for _, l := range n.listeners {
		if l.endpoint == e && (l.localTo(a) || l.owner.global && a.global) {
			return wire.AddressInUse
		}
		if l.owner.id == a.id {
			mine++
		}
		if l.owner.user == a.user {
			users++
		}
	}
	if n.cfg.MaxListeners > 0 && mine >= n.cfg.MaxListeners || n.cfg.MaxUserListeners > 0 && users >= n.cfg.MaxUserListeners {
		return wire.QuotaExceeded
	}
	return wire.OK
}

// taken says whether another listener in the tables of an application has the port of e, at whatever address.
func (n *DirectoryOracle) taken(a *directoryApp, e wire.Endpoint) bool {
	return slices.ContainsFunc(n.listeners, func(l directoryListener) bool {
		same := l.endpoint.Proto == e.Proto && l.endpoint.Addr.Port() == e.Addr.Port()
		return same && (l.localTo(a) || l.owner.global && a.global)
	})
}

func (n *DirectoryOracle) unbind(a *directoryApp, m wire.Message, e wire.Endpoint, ok bool) wire.Status {
	byName := m.Handle == 0 && m.URI != ""
	if byName && !ok {
		return wire.Unsupported
	}
	for _, l := range n.listeners {
		if l.owner.id == a.id && (byName && l.endpoint == e || !byName && l.h == m.Handle) {
			return wire.OK
		}
	}
	if byName {
		return wire.AddressNotInUse
	}
	return wire.Invalid
}

// lookup returns the listener that a connect reaches, or the status of the refusal.
func (n *DirectoryOracle) lookup(a *directoryApp, e wire.Endpoint) (*directoryListener, wire.Status) {
	to := e.Addr.Addr()
	if to.IsUnspecified() {
		return nil, wire.Invalid
	}
	global := func(l directoryListener) bool { return l.owner.global }
	local := func(l directoryListener) bool { return l.localTo(a) }
	if a.local {
		if l := n.find(a, e, local); l != nil {
			return l, wire.OK
		}
	}
	switch {
	case to.IsLoopback():
		return nil, wire.Refused
	case !a.global:
		return nil, wire.WrongScope
	}
	if l := n.find(a, e, global); l != nil {
		return l, wire.OK
	}
	return nil, wire.Refused
}

// find returns the listener at endpoint e among those that satisfy among. If there is none and the address is the
// application's own, it returns the listener at the wildcard address of the family.
func (n *DirectoryOracle) find(a *directoryApp, e wire.Endpoint, among func(directoryListener) bool) *directoryListener {
	wild := e
	wild.Addr = netip.AddrPortFrom(netip.IPv6Unspecified(), e.Addr.Port())
	if e.Addr.Addr().Is4() {
		wild.Addr = netip.AddrPortFrom(netip.IPv4Unspecified(), e.Addr.Port())
	}
	if e.Name != "" {
		wild = e // names have no wildcard
	}
	for _, at := range []wire.Endpoint{e, wild} {
		for i, l := range n.listeners {
			if l.endpoint == at && among(l) && (at == e || n.own(a, e.Addr.Addr())) {
				return &n.listeners[i]
			}
		}
	}
	return nil
}

// own says whether addr is an address of this machine in the namespace of an application.
func (n *DirectoryOracle) own(a *directoryApp, addr netip.Addr) bool {
	return addr.IsLoopback() || slices.Contains(n.cfg.Namespaces[a.ns].Own, addr)
}

// localTo says whether a listener has local scope in the namespace of an application with local scope.
func (l directoryListener) localTo(a *directoryApp) bool {
	return l.owner.local && a.local && l.owner.ns == a.ns
}

// endpointOf returns the endpoint that a message names.
func endpointOf(m wire.Message) (wire.Endpoint, bool) {
	e, ok := m.Endpoint, m.Endpoint.Check() == nil
	if m.URI != "" {
		uri, err := wire.ParseURI(m.URI)
		e, ok = uri, err == nil && m.Endpoint == wire.Endpoint{}
	}
	return e, ok && (m.Type == wire.Bind || !portOpen(e))
}

// portOpen says whether e leaves its port to the session layer.
func portOpen(e wire.Endpoint) bool { return e.Proto != wire.Unix && e.Addr.Port() == 0 }
