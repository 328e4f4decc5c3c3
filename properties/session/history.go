package session

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"syscall"

	"cutthrough/impl"
	"cutthrough/impl/wire"
	"cutthrough/model"
	"cutthrough/properties/oracle"
	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/lin"
)

// sessionHistory records the observations of concurrent applications: operations on the directory of listeners, and
// the ranges of the address space that they map.
type sessionHistory struct {
	w      *sim.World
	mapped []mappedSegment
	places []place // of the segment of each range of the history
	// failing: calls of the host may fail, so that servers reject connects or are hung up. Then a refusal says
	// nothing about the listeners, and a listener may end at any time.
	failing bool
	// refusing: servers reject connects, so that a refusal says nothing about the listeners.
	refusing bool
	leaving  []int // ports of applications that leave: until their listeners have gone they refuse
	layers   []*simLayer
	ends     *oracle.Ends
	apps     [maxApps + 1]appHistory // by the numbers of the applications
	opened   map[wire.Handle]int     // sessions, by the application whose dial returned them
	bytes    map[written]int
	thrown   []oracle.Close
	closed   []oracle.Close
	lawless  bool // ports other than 1 belong to a hostile application, which records nothing
}

// maxApps is the largest number of an application: that of the hostile one.
const maxApps = 4

// appHistory is what one application has done.
type appHistory struct {
	attached []*simLayer // by the number of the attachment: the first session layer, or one after it
	home     *simLayer   // where it and its listeners are, as it has said last
	ports    []int       // at which it may listen
	killed   bool
	hasty    bool // its close has not waited for the session layer to the end
}

// layer returns the session layer of an attachment, nil before it has answered.
func (a *appHistory) layer(number int) *simLayer {
	if number < len(a.attached) {
		return a.attached[number]
	}
	return nil
}

// written is what an application has written to a session.
type written struct {
	session wire.Handle
	app     int
}

// place is where an application has mapped a segment.
type place struct {
	segment wire.Handle
	app     int
}

func (p place) String() string {
	return fmt.Sprintf("(%v), mapped by application %d", p.segment, p.app)
}

// mappedSegment is a segment that at least one application of its pair has mapped. It is live from the first map to
// the last unmap.
type mappedSegment struct {
	h    wire.Handle
	base wire.Location
	apps []int
}

// addressSpace is more than the address space of a session layer: each one has its own.
const addressSpace = 1 << 48

func (r *sessionHistory) observe(app int, o impl.Observation) {
	switch o.Kind {
	case impl.ObserveReceived:
		a := &r.apps[app]
		if o.Msg.Type == wire.AttachReply && o.Msg.Handle != 0 {
			for o.Attachment >= len(a.attached) {
				a.attached = append(a.attached, nil)
			}
			a.attached[o.Attachment] = r.layers[epoch(o.Msg.Handle)]
		}
		if l := a.layer(o.Attachment); l != nil && !l.left {
			l.mon.Received(app, o.Msg)
		}
	case impl.ObserveAttached:
		r.apps[app].home = r.apps[app].layer(o.Attachment)
		if o.Attachment > 1 {
			r.w.Sometimes("returned")
		}
	case impl.ObserveMapped:
		r.mapSegment(app, o.Msg)
	case impl.ObserveUnmapped:
		r.unmap(app, o.Msg.Handle)
	}
}

func (r *sessionHistory) mapSegment(app int, m wire.Message) {
	for i := range r.mapped {
		if g := &r.mapped[i]; g.h == m.Handle {
			g.apps = append(g.apps, app)
			return
		}
	}
	r.places = append(r.places, place{m.Handle, app})
	base := m.Base + wire.Location(epoch(m.Handle))*addressSpace
	call := r.w.Call(model.RangeIn{Op: model.Alloc, N: m.Size})
	r.w.Return(call, model.RangeOut{Status: model.OK, Off: uint64(base), Len: m.Size})
	r.mapped = append(r.mapped, mappedSegment{m.Handle, base, []int{app}})
}

func (r *sessionHistory) unmap(app int, h wire.Handle) {
	for i := range r.mapped {
		g := &r.mapped[i]
		if g.h != h {
			continue
		}
		for j, a := range g.apps {
			if a == app {
				g.apps = append(g.apps[:j], g.apps[j+1:]...)
				break
			}
		}
		if len(g.apps) == 0 {
			call := r.w.Call(model.RangeIn{Op: model.Free, Off: uint64(g.base)})
			r.w.Return(call, model.RangeOut{Status: model.OK})
			r.mapped = append(r.mapped[:i], r.mapped[i+1:]...)
		}
		return
	}
}

// gone records for all session layers that an application leaves or dies.
func (r *sessionHistory) gone(app int) {
	for _, l := range r.layers {
		l.mon.Gone(app)
	}
	r.ends.Gone(app)
}

// moving says whether an application that may listen at a port is between two session layers.
func (r *sessionHistory) moving(port int) bool {
	return slices.ContainsFunc(r.apps[:], func(a appHistory) bool { return slices.Contains(a.ports, port) && !a.home.alive() })
}

// learned judges the error of an operation on a session that the application has not closed.
func (r *sessionHistory) learned(x *sessionApp, s *impl.Session, err error) {
	if err != nil && !errors.Is(err, net.ErrClosed) && !r.failing {
		r.ends.Learned(handleOf(s), x.id)
	}
}

// endedByPeer checks that a session ends as one whose peer is gone only if its peer is.
func (r *sessionHistory) endedByPeer(x *sessionApp) {
	peer := r.opened[handleOf(x.s)]
	if peer != 0 && peer != x.id && !r.apps[peer].killed && !r.failing {
		r.w.Fail(oracle.ClosesArrive, "the session ends as if its peer were dead; application %d, which has opened it, is not", peer)
	}
}

// died removes the mappings of a killed process, as the kernel does. Its listeners end when the session layer learns
// of the death.
func (r *sessionHistory) died(app int, ports []int) {
	r.apps[app].killed = true
	for i := len(r.mapped) - 1; i >= 0; i-- {
		r.unmap(app, r.mapped[i].h)
	}
	r.left(app, ports)
}

// leaves lets an application close itself. When that succeeds, its listeners have gone.
func (r *sessionHistory) leaves(app int, ports []int, do func() error) error {
	r.gone(app)
	r.leaving = append(r.leaving, ports...)
	var calls []int
	for _, p := range ports {
		calls = append(calls, r.w.Call(model.DirIn{Op: model.Leave, Port: p, App: app}))
	}
	err := do()
	r.apps[app].hasty = r.apps[app].hasty || errors.Is(err, os.ErrDeadlineExceeded)
	if err != nil {
		return err
	}
	for i, c := range calls {
		r.w.Return(c, model.DirOut{Status: model.DirOK})
		at := slices.Index(r.leaving, ports[i])
		r.leaving = slices.Delete(r.leaving, at, at+1)
	}
	return nil
}

// left records that the session layer removes the listeners of an application at some time from now on.
func (r *sessionHistory) left(app int, ports []int) {
	r.gone(app)
	r.leaving = append(r.leaving, ports...)
	for _, p := range ports {
		r.w.Call(model.DirIn{Op: model.Leave, Port: p, App: app})
	}
}

// wrote records that an application has written n bytes to its session.
func (r *sessionHistory) wrote(x *sessionApp, n int) {
	r.bytes[written{handleOf(x.s), x.id}] += n
}

// unread returns a lower bound of the bytes that an application has not read from its session.
func (r *sessionHistory) unread(x *sessionApp) int {
	n := -x.got
	for app := range r.apps {
		if app != x.id {
			n += r.bytes[written{handleOf(x.s), app}]
		}
	}
	return n
}

func handleOf(s *impl.Session) wire.Handle { return s.LocalAddr().(impl.Addr).Handle }

// closes lets an application close its session, and records whether the close discards bytes.
func (r *sessionHistory) closes(x *sessionApp, throws bool, do func() error) error {
	r.ends.Ending(handleOf(x.s), x.id)
	err := do()
	if err != nil {
		return err
	}
	c := oracle.Close{App: x.id, Handle: handleOf(x.s)}
	r.closed = append(r.closed, c)
	if throws {
		r.thrown = append(r.thrown, c)
	}
	return nil
}

// allReset checks that each discard of unread bytes was reported as a reset.
func (r *sessionHistory) allReset() error {
	for _, t := range r.thrown {
		if l := r.layers[epoch(t.Handle)]; l.alive() && !r.excused(t.App) && !l.mon.ResetReported(t) {
			return fmt.Errorf("application %d has discarded bytes of (%v) without a reset", t.App, t.Handle)
		}
	}
	return nil
}

// allClosed checks that each close of a session has arrived at the session layer.
func (r *sessionHistory) allClosed() error {
	for _, t := range r.closed {
		if l := r.layers[epoch(t.Handle)]; l.alive() && !r.excused(t.App) && !l.mon.CloseReported(t) {
			return fmt.Errorf("application %d has closed (%v), and the session layer has not heard of it", t.App, t.Handle)
		}
	}
	return nil
}

// excused says whether the closes of an application may not have arrived.
func (r *sessionHistory) excused(app int) bool {
	return r.failing || r.apps[app].killed || r.apps[app].hasty
}

// directory records one operation on the directory and its outcome. The operation stays pending if the outcome says
// nothing about the listeners.
func (r *sessionHistory) directory(op model.DirOp, port, app int, do func() error) error {
	if r.lawless && port != 1 {
		return do()
	}
	call := r.w.Call(model.DirIn{Op: op, Port: port, App: app})
	moving := r.moving(port)
	err := do()
	moving = moving || r.moving(port)
	status := model.DirOK
	switch {
	case err == nil && op == model.Bind && r.failing:
		r.left(app, []int{port})
	case err == nil:
	case errors.Is(err, syscall.ECONNREFUSED) && (r.refusing || moving || slices.Contains(r.leaving, port)):
		return err
	case errors.Is(err, syscall.EADDRINUSE):
		status = model.DirTaken
	case errors.Is(err, syscall.ECONNREFUSED):
		status = model.DirRefused
	case errors.Is(err, wire.SelfConnect):
		status = model.DirSelf
	default:
		return err
	}
	r.w.Return(call, model.DirOut{Status: status})
	return err
}

// checkRanges checks that the places of mapped segments are disjoint. An application that was hung up, which only
// failing calls cause here, keeps its mappings and hears of no unmap, while the layer gives the places to other
// segments: then the check is skipped.
func (r *sessionHistory) checkRanges(checker *lin.Checker) error {
	if r.failing {
		return nil
	}
	return oracle.CheckRanges(r.w.History(), checker, func(k int, _ exec.Operation) string { return r.places[k].String() })
}

// checkDirectory checks that the history of the directory of listeners is linearizable.
func (r *sessionHistory) checkDirectory(checker *lin.Checker) error {
	return checker.Check(lin.HistoryOf[model.DirIn](r.w.History()), 0).Err()
}
