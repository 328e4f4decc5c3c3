package core

import (
	"fmt"
	"slices"

	"cutthrough/impl"
	"cutthrough/model/valloc"
)

// A unit of the machine is two pages, so that every place ends with a guard of one page. The address
// space starts somewhere.
const (
	spaceUnit = 2 * impl.Page
	spaceBase = impl.Address(16 * impl.Page)
)

// spaceDriver is a real session layer with two applications, and what the machine's numbers stand for in it.
type spaceDriver struct {
	m        layerSpace
	l        *impl.Layer
	last     impl.Channel
	apps     [2]spaceApp
	segments [2]spaceSegment
	made     int // segments that exist
}

type spaceApp struct {
	channel impl.Channel
	told    []impl.Message // to map and to unmap, and not yet by the machine
}

// spaceSegment is a segment whose session is from the other application to that of its number.
type spaceSegment struct {
	segment, session impl.Handle
	accepted         bool
}

func newSpaceDriver(m layerSpace) *spaceDriver {
	d := &spaceDriver{m: m, l: impl.NewLayer(impl.Config{
		Base: spaceBase, End: spaceBase + impl.Address(m.Units)*spaceUnit, Guard: impl.Page, SegmentSize: impl.Page,
		FifoSize: 400, QueueSlots: 1,
	})}
	for p := range d.apps {
		d.attach(p)
	}
	return d
}

// attach attaches an application, which listens.
func (d *spaceDriver) attach(p int) {
	d.last++
	d.apps[p] = spaceApp{channel: d.last}
	d.event(impl.Event{Kind: impl.EvOpen, Channel: d.last})
	d.message(p, impl.Message{Kind: impl.MsgAttach, Scope: impl.ScopeLocal | impl.ScopeGlobal})
	d.message(p, impl.Message{Kind: impl.MsgBind, URI: portURI(p + 1)})
}

func (d *spaceDriver) message(p int, m impl.Message) {
	d.event(impl.Event{Kind: impl.EvMessage, Channel: d.apps[p].channel, Msg: m})
}

// event drives the layer, and makes the segments that it asks for.
func (d *spaceDriver) event(ev impl.Event) {
	for _, fx := range slices.Clone(d.l.Step(ev)) {
		switch fx.Kind {
		case impl.FxSend:
			d.hear(fx)
		case impl.FxCreate:
			d.made++
			d.event(impl.Event{Kind: impl.EvCreated, Segment: fx.Segment})
		case impl.FxDestroy:
			d.made--
		}
	}
}

// hear takes what an application is told: of sessions only which one it is to accept matters.
func (d *spaceDriver) hear(fx impl.Effect) {
	for p := range d.apps {
		if d.apps[p].channel != fx.Channel {
			continue
		}
		switch fx.Msg.Kind {
		case impl.MsgMap, impl.MsgUnmap:
			d.apps[p].told = append(d.apps[p].told, fx.Msg)
		case impl.MsgAccept:
			d.segments[p].session = fx.Msg.Handle
		}
	}
}

// step takes one step of the machine and compares.
func (d *spaceDriver) step(e stride[valloc.State]) error {
	x := d.m.Step(e.from, e.action, e.to)
	if err := d.take(x, e.to); err != nil {
		return err
	}
	if err := d.l.CheckInvariants(); err != nil {
		return err
	}
	if _, i := d.m.owing(e.to); i >= 0 {
		return nil // the layer has done that, too
	}
	for p := range d.apps {
		if told := d.apps[p].told; len(told) > 0 {
			return fmt.Errorf("%w: application %d was told %v", errModel, p, told)
		}
	}
	segments := 0
	for i := range d.segments {
		if e.to.Segment(i).There {
			segments++
		}
	}
	if _, n := d.l.Live(); n != segments || d.made != segments {
		return fmt.Errorf("%w: %d segments of which %d exist; the machine has %d", errModel, n, d.made, segments)
	}
	return nil
}

// take takes one step of the machine, if it is one of the layer.
func (d *spaceDriver) take(x valloc.Step, to valloc.State) error {
	g := &d.segments[x.Segment]
	server, client := x.Segment, 1-x.Segment
	place := to.Segment(x.Segment)
	switch x.Op {
	case valloc.OpCreate:
		*g = spaceSegment{}
		more := spaceUnit*uint32(place.Units) - 2*impl.Page // than the page that a session takes at least
		d.message(client, impl.Message{Kind: impl.MsgConnect, URI: portURI(server + 1), RxSize: 400 + more})
	case valloc.OpTell:
		if x.Process == client {
			g.accepted = true
			d.message(server, impl.Message{Kind: impl.MsgAcceptReply, Handle: g.session})
		}
		return d.toldToMap(x, place)
	case valloc.OpAsk:
		return d.expect(x.Process, impl.MsgUnmap, g)
	case valloc.OpClose:
		if !g.accepted {
			d.message(server, impl.Message{Kind: impl.MsgAcceptReply, Handle: g.session, Status: impl.Refused})
			break
		}
		d.message(client, impl.Message{Kind: impl.MsgDisconnect, Handle: g.session})
		d.message(server, impl.Message{Kind: impl.MsgDisconnectReply, Handle: g.session})
	case valloc.OpMap:
		d.message(x.Process, impl.Message{Kind: impl.MsgMapReply, Handle: g.segment})
	case valloc.OpAck:
		d.message(x.Process, impl.Message{Kind: impl.MsgUnmapReply, Handle: g.segment})
	case valloc.OpNotice:
		d.event(impl.Event{Kind: impl.EvGone, Channel: d.apps[x.Process].channel})
		d.attach(x.Process)
	}
	return nil
}

// toldToMap checks that an application was told to map a segment at its place.
func (d *spaceDriver) toldToMap(x valloc.Step, place valloc.Segment) error {
	told := d.apps[x.Process].told
	g := &d.segments[x.Segment]
	if x.Process == x.Segment && len(told) > 0 {
		g.segment = told[0].Handle
	}
	if err := d.expect(x.Process, impl.MsgMap, g); err != nil {
		return err
	}
	base, size := spaceBase+impl.Address(place.At)*spaceUnit, uint64(place.Units)*spaceUnit-impl.Page
	if m := told[0]; m.Base != base || m.Size != size {
		return fmt.Errorf("%w: application %d was told %v, the machine has it at %#x, %d bytes", errModel, x.Process, m, uint64(base), size)
	}
	return nil
}

// expect takes the oldest that an application was told to map or unmap.
func (d *spaceDriver) expect(p int, kind impl.Kind, g *spaceSegment) error {
	told := &d.apps[p].told
	if len(*told) == 0 || (*told)[0].Kind != kind || (*told)[0].Handle != g.segment {
		return fmt.Errorf("%w: application %d was told %v, the machine says %v of %v", errModel, p, *told, kind, g.segment)
	}
	*told = (*told)[1:]
	return nil
}
