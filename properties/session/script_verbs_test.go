package session

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cutthrough/impl/layer"
	"cutthrough/impl/wire"
	"cutthrough/shm"
)

// command is a line of a script in parts.
type command struct {
	words   []string // those not taken yet
	options map[string]string
}

// verbs of applications. They are given the application.
var actorVerbs = map[string]func(*stage, *actor, *command) error{
	"attach":        (*stage).attach,
	"open":          func(*stage, *actor, *command) error { return nil },
	"detach":        plain(wire.Detach),
	"bind":          (*stage).bind,
	"unbind":        (*stage).unbind,
	"connect":       (*stage).connect,
	"accept":        about(wire.AcceptReply, wire.OK),
	"reject":        about(wire.AcceptReply, wire.Refused),
	"disconnect":    about(wire.Disconnect, wire.OK),
	"shut":          (*stage).shut,
	"reset":         about(wire.Reset, wire.OK),
	"confirm":       about(wire.DisconnectReply, wire.OK),
	"confirm-reset": about(wire.ResetReply, wire.OK),
	"mapped":        about(wire.MapReply, wire.OK),
	"unmapped":      about(wire.UnmapReply, wire.OK),
	"say":           (*stage).say,
	"garbage":       (*stage).garbage,
	"die":           (*stage).die,
	"deaf":          func(_ *stage, a *actor, _ *command) error { a.deaf = true; return nil },
	"hear":          func(st *stage, a *actor, _ *command) error { a.deaf = false; return st.drain(a) },
	"flood":         (*stage).flood,
	"hasty":         func(_ *stage, a *actor, _ *command) error { a.hasty = true; return nil },
}

// verbs of the world.
var stageVerbs = map[string]func(*stage, *command) error{
	"layer":     (*stage).configure,
	"namespace": (*stage).namespace,
	"tick":      (*stage).tick,
	"memory":    (*stage).memory,
	"apps":      (*stage).listApps,
	"sessions":  (*stage).listSessions,
}

// do does one command.
func (st *stage) do(text string) error {
	c := &command{options: map[string]string{}}
	for _, w := range strings.Fields(text) {
		if k, v, ok := strings.Cut(w, "="); ok {
			c.options[k] = v
		} else {
			c.words = append(c.words, w)
		}
	}
	verb := c.take()
	if f := stageVerbs[verb]; f != nil {
		return c.run(func() error { return f(st, c) })
	}
	f := actorVerbs[verb]
	if f == nil {
		return errors.New("no such command")
	}
	if st.server == nil {
		if err := st.start(); err != nil {
			return err
		}
	}
	name := c.take()
	i := slices.IndexFunc(st.actors, func(a *actor) bool { return a.name == name && !a.gone })
	if i < 0 && verb != "attach" && verb != "open" {
		return fmt.Errorf("no application %q", name)
	}
	if i < 0 {
		if _, err := st.open(name); err != nil {
			return err
		}
		i = len(st.actors) - 1
	}
	return c.run(func() error { return f(st, st.actors[i], c) })
}

// run runs f, which takes words and options; none may be left.
func (c *command) run(f func() error) error {
	if err := f(); err != nil {
		return err
	}
	if len(c.words) > 0 {
		return fmt.Errorf("what is %q?", c.words[0])
	}
	for k := range c.options {
		return fmt.Errorf("no option %q", k)
	}
	return nil
}

// take returns the next word, or "".
func (c *command) take() string {
	if len(c.words) == 0 {
		return ""
	}
	w := c.words[0]
	c.words = c.words[1:]
	return w
}

// flag says whether the next word is w, and takes it.
func (c *command) flag(w string) bool {
	if len(c.words) == 0 || c.words[0] != w {
		return false
	}
	c.take()
	return true
}

func (c *command) option(name string) string {
	v := c.options[name]
	delete(c.options, name)
	return v
}

func (c *command) number(name string) (uint64, error) {
	text := c.option(name)
	if text == "" {
		return 0, nil
	}
	return strconv.ParseUint(text, 10, 64)
}

var handleText = regexp.MustCompile(`^(app|listener|session|pair|segment) (\d+)\.(\d+)$`)

// handle takes a handle, "session 0.1" (index and generation) or "none". An application must not interpret handles;
// a hostile one that forges them does.
func (c *command) handle() (wire.Handle, error) {
	if c.flag("none") {
		return 0, nil
	}
	m := handleText.FindStringSubmatch(c.take() + " " + c.take())
	if m == nil {
		return 0, errors.New("want a handle such as session 0.1")
	}
	kind := slices.Index([]string{"none", "app", "listener", "session", "pair", "segment"}, m[1])
	index, err := strconv.ParseUint(m[2], 10, 32)
	generation, err2 := strconv.ParseUint(m[3], 10, 28)
	return wire.Handle(uint64(kind)<<60 | generation<<32 | index), errors.Join(err, err2)
}

// status takes the option status=, a number.
func (c *command) status(def wire.Status) (wire.Status, error) {
	text := c.option("status")
	if text == "" {
		return def, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	return wire.Status(n), err
}

// plain sends a message without fields.
func plain(k wire.Type) func(*stage, *actor, *command) error {
	return func(st *stage, a *actor, _ *command) error { return st.send(a, wire.Message{Type: k}) }
}

// about sends a message about an object.
func about(k wire.Type, status wire.Status) func(*stage, *actor, *command) error {
	return func(st *stage, a *actor, c *command) error {
		h, err := c.handle()
		if err != nil {
			return err
		}
		s, err := c.status(status)
		if err != nil {
			return err
		}
		return st.send(a, wire.Message{Type: k, Handle: h, Status: s})
	}
}

func (st *stage) attach(a *actor, c *command) error {
	m := wire.Message{Type: wire.Attach, Namespace: c.option("namespace")}
	a.manual = c.flag("manual")
	var err error
	if m.Secret, err = c.number("secret"); err != nil {
		return err
	}
	switch scope := c.option("scope"); scope {
	case "local":
		m.Scope = wire.ScopeLocal
	case "global":
		m.Scope = wire.ScopeGlobal
	case "both":
		m.Scope = wire.ScopeLocal | wire.ScopeGlobal
	case "":
	default:
		return fmt.Errorf("no scope %q", scope)
	}
	return st.send(a, m)
}

// endpoint takes a URI, and "fields" when it is to be sent in fields.
func (c *command) endpoint(m *wire.Message) error {
	uri := c.take()
	if !c.flag("fields") {
		m.URI = uri
		return nil
	}
	var err error
	m.Endpoint, err = wire.ParseURI(uri)
	return err
}

func (st *stage) bind(a *actor, c *command) error {
	m := wire.Message{Type: wire.Bind}
	if err := c.endpoint(&m); err != nil {
		return err
	}
	return st.send(a, m)
}

func (st *stage) unbind(a *actor, c *command) error {
	if len(c.words) == 1 && strings.Contains(c.words[0], "/") {
		return st.send(a, wire.Message{Type: wire.Unbind, URI: c.take()})
	}
	return about(wire.Unbind, wire.OK)(st, a, c)
}

func (st *stage) connect(a *actor, c *command) error {
	m := wire.Message{Type: wire.Connect}
	rx, err := c.number("rx")
	tx, err2 := c.number("tx")
	if err := errors.Join(err, err2, c.endpoint(&m)); err != nil {
		return err
	}
	m.RxSize, m.TxSize = uint32(rx), uint32(tx)
	return st.send(a, m)
}

func (st *stage) shut(a *actor, c *command) error {
	h, err := c.handle()
	if err != nil {
		return err
	}
	return st.send(a, wire.Message{Type: wire.Disconnect, Handle: h, CloseMode: wire.CloseWrite})
}

// say sends a message of a kind that applications do not send.
func (st *stage) say(a *actor, c *command) error {
	name := c.take()
	for k := wire.Attach; k <= wire.ResetReply; k++ {
		if k.String() == name {
			return st.send(a, wire.Message{Type: k})
		}
	}
	return fmt.Errorf("no message %q", name)
}

// garbage sends bytes that are no message.
func (st *stage) garbage(a *actor, c *command) error {
	text := c.take()
	st.log("%s -> %q", a.name, text)
	if err := st.transmit(a, []byte(text)); err != nil {
		return err
	}
	return st.drain(a)
}

func (st *stage) die(a *actor, _ *command) error {
	st.log("%s dies", a.name)
	st.close(a)
	return st.drain(nil)
}

// flood sends requests without reading the replies, until much more waits for the application
// than its channel holds. They are not logged.
func (st *stage) flood(a *actor, c *command) error {
	n, err := strconv.Atoi(c.take())
	if err != nil {
		return err
	}
	st.log("%s -> %d requests, and does not read the replies", a.name, n)
	m := wire.Message{Type: wire.Unbind, RequestID: flooding}.Encode(nil)
	for range n {
		if err := st.transmit(a, m); err != nil {
			return err
		}
	}
	return st.drain(a)
}

// configure sets what is not the default of scripts.
func (st *stage) configure(c *command) error {
	if st.server != nil {
		return errors.New("the session layer is running")
	}
	l := &st.cfg.Layer
	for _, o := range []struct {
		name string
		set  func(n uint64)
	}{
		{"segment", func(n uint64) { l.SegmentSize = n }},
		{"fifo", func(n uint64) { l.FifoSize = uint32(n) }},
		{"apps", func(n uint64) { l.MaxApps = int(n) }},
		{"listeners", func(n uint64) { l.MaxListeners = int(n) }},
		{"sessions", func(n uint64) { l.MaxSessions = int(n) }},
		{"bytes", func(n uint64) { l.MaxBytes = n }},
		{"space", func(n uint64) { l.Base, l.End = 1<<20, 1<<20+wire.Location(n) }},
		{"linger", func(n uint64) { l.Linger = time.Duration(n) * time.Second }},
		{"connect-timeout", func(n uint64) { l.ConnectTimeout = time.Duration(n) * time.Second }},
		{"close-timeout", func(n uint64) { l.CloseTimeout = time.Duration(n) * time.Second }},
		{"backlog", func(n uint64) { st.cfg.Backlog = int(n) }},
	} {
		n, err := c.number(o.name)
		if err != nil {
			return err
		}
		if n > 0 {
			o.set(n)
		}
	}
	return nil
}

func (st *stage) namespace(c *command) error {
	if st.server != nil {
		return errors.New("the session layer is running")
	}
	ns := layer.Namespace{Name: c.take()}
	if ns.Name == "default" {
		ns.Name = ""
	}
	var err error
	if ns.Secret, err = c.number("secret"); err != nil {
		return err
	}
	if own := c.option("own"); own != "" {
		for text := range strings.SplitSeq(own, ",") {
			addr, err := netip.ParseAddr(text)
			if err != nil {
				return err
			}
			ns.Own = append(ns.Own, addr)
		}
	}
	st.cfg.Layer.Namespaces = append(st.cfg.Layer.Namespaces, ns)
	return nil
}

// tick lets time pass. The session layer notices at the next event; the messages
// that come of it are there after the one after that.
func (st *stage) tick(c *command) error {
	d, err := time.ParseDuration(c.take())
	if err != nil {
		return err
	}
	st.log("%v pass", d)
	st.host.mu.Lock()
	st.host.skew += d
	st.host.mu.Unlock()
	return errors.Join(st.drain(nil), st.drain(nil))
}

func (st *stage) memory(c *command) error {
	st.host.mu.Lock()
	defer st.host.mu.Unlock()
	switch w := c.take(); w {
	case "full":
		st.host.full = true
	case "free":
		st.host.full = false
	default:
		return fmt.Errorf("memory is full or free, not %q", w)
	}
	return nil
}

// listApps logs the applications and their listeners.
func (st *stage) listApps(*command) error {
	s := st.server.Stat()
	for _, x := range s.Apps {
		ns := x.Namespace
		if ns == "" {
			ns = "default"
		}
		st.log("%s in namespace %s has %d sessions", x.Handle, ns, x.Sessions)
		for _, l := range s.Listeners {
			if l.App == x.Handle {
				st.log("%s of %s is at %s", l.Handle, l.App, l.Endpoint)
			}
		}
	}
	if len(s.Apps)+len(s.Listeners) == 0 {
		st.log("no applications")
	}
	return nil
}

// listSessions logs the sessions and the segments.
func (st *stage) listSessions(*command) error {
	s := st.server.Stat()
	for _, x := range s.Sessions {
		st.log("%s from %s to %s in %s is %s", x.Handle, x.Client, x.Server, x.Segment, x.State)
	}
	for _, x := range s.Segments {
		mapped := strings.Join(x.Mapped, " and ")
		if mapped == "" {
			mapped = "nobody"
		}
		st.log("%s is %s, mapped by %s", x.Handle, x.State, mapped)
	}
	if len(s.Sessions)+len(s.Segments) == 0 {
		st.log("no sessions, no segments")
	}
	return nil
}

var _ shm.Host = (*scriptHost)(nil)
