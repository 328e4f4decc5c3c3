package core

import (
	"fmt"
	"slices"

	"cutthrough/impl/layer"
	"cutthrough/impl/layer/segments"
	"cutthrough/impl/wire"
	"cutthrough/model/valloc"
)

// A unit of the model is two pages, so that every place ends with a guard of one page. The base is arbitrary.
const (
	addrspaceUnit = 2 * segments.Page
	spaceBase     = wire.Location(16 * segments.Page)
)

// addrspaceDriver is a real session layer with two applications, and maps the segments of the model to handles.
type addrspaceDriver struct {
	m        addrspaceModel
	l        *layer.Core
	last     layer.Channel
	apps     [2]spaceApp
	segments [2]addrspaceSegment
	made     int // segments that exist
}

type spaceApp struct {
	channel layer.Channel
	told    []wire.Message // maps and unmaps that the model has not sent so far
}

// addrspaceSegment is the segment i of the model; its session is from the other application to application i.
type addrspaceSegment struct {
	segment, session wire.Handle
	accepted         bool
}

func newAddrspaceDriver(m addrspaceModel) *addrspaceDriver {
	d := &addrspaceDriver{m: m, l: layer.New(layer.Config{
		Base: spaceBase, End: spaceBase + wire.Location(m.Units)*addrspaceUnit, Guard: segments.Page, SegmentSize: segments.Page,
		FifoSize: 400, QueueSlots: 1,
	})}
	for p := range d.apps {
		d.attach(p)
	}
	return d
}

// attach attaches an application and lets it listen.
func (d *addrspaceDriver) attach(p int) {
	d.last++
	d.apps[p] = spaceApp{channel: d.last}
	d.event(layer.Event{Kind: layer.EventOpen, Channel: d.last})
	d.message(p, wire.Message{Type: wire.Attach, Scope: wire.ScopeLocal | wire.ScopeGlobal})
	d.message(p, wire.Message{Type: wire.Bind, URI: portURI(p + 1)})
}

func (d *addrspaceDriver) message(p int, m wire.Message) {
	d.event(layer.Event{Kind: layer.EventMessage, Channel: d.apps[p].channel, Msg: m})
}

// event gives an event to the layer, and creates the segments that it asks for.
func (d *addrspaceDriver) event(ev layer.Event) {
	for _, fx := range slices.Clone(d.l.Step(ev)) {
		switch fx.Kind {
		case layer.EffectSend:
			d.hear(fx)
		case layer.EffectCreate:
			d.made++
			d.event(layer.Event{Kind: layer.EventCreated, Segment: fx.Segment})
		case layer.EffectDestroy:
			d.made--
			d.event(layer.Event{Kind: layer.EventReleased, Segment: fx.Segment})
		case layer.EffectZero:
			d.event(layer.Event{Kind: layer.EventZeroed, Segment: fx.Segment, Blocks: fx.Blocks})
		}
	}
}

// hear records the maps and unmaps that an application is told, and the session that it is asked to accept.
func (d *addrspaceDriver) hear(fx layer.Effect) {
	for p := range d.apps {
		if d.apps[p].channel != fx.Channel {
			continue
		}
		switch fx.Msg.Type {
		case wire.Map, wire.Unmap:
			d.apps[p].told = append(d.apps[p].told, fx.Msg)
		case wire.Accept:
			d.segments[p].session = fx.Msg.Handle
		}
	}
}

// step takes one step of the model and compares.
func (d *addrspaceDriver) step(e transition[valloc.State]) error {
	x := d.m.Step(e.from, e.action, e.to)
	if err := d.take(x, e.to); err != nil {
		return err
	}
	if err := d.l.CheckInvariants(); err != nil {
		return err
	}
	if _, i := d.m.owing(e.to); i >= 0 {
		return nil // the layer has taken that step already
	}
	for p := range d.apps {
		if told := d.apps[p].told; len(told) > 0 {
			return fmt.Errorf("%w: application %d was told %v", errRefinement, p, told)
		}
	}
	segments := 0
	for i := range d.segments {
		if e.to.Segment(i).There {
			segments++
		}
	}
	if _, n := d.l.Live(); n != segments || d.made != segments {
		return fmt.Errorf("%w: %d segments of which %d exist; the model has %d", errRefinement, n, d.made, segments)
	}
	return nil
}

// take takes one step of the model, if it is one of the layer.
func (d *addrspaceDriver) take(x valloc.Step, to valloc.State) error {
	g := &d.segments[x.Segment]
	server, client := x.Segment, 1-x.Segment
	place := to.Segment(x.Segment)
	switch x.Op {
	case valloc.OpCreate:
		*g = addrspaceSegment{}
		more := addrspaceUnit*uint32(place.Units) - 2*segments.Page // beyond the page that each session needs
		d.message(client, wire.Message{Type: wire.Connect, URI: portURI(server + 1), RxSize: 400 + more})
	case valloc.OpTell:
		if x.Process == client {
			g.accepted = true
			d.message(server, wire.Message{Type: wire.AcceptReply, Handle: g.session})
		}
		return d.toldToMap(x, place)
	case valloc.OpAsk:
		return d.expect(x.Process, wire.Unmap, g)
	case valloc.OpClose:
		if !g.accepted {
			d.message(server, wire.Message{Type: wire.AcceptReply, Handle: g.session, Status: wire.Refused})
			break
		}
		d.message(client, wire.Message{Type: wire.Disconnect, Handle: g.session})
		d.message(server, wire.Message{Type: wire.DisconnectReply, Handle: g.session})
	case valloc.OpMap:
		d.message(x.Process, wire.Message{Type: wire.MapReply, Handle: g.segment})
	case valloc.OpAck:
		d.message(x.Process, wire.Message{Type: wire.UnmapReply, Handle: g.segment})
	case valloc.OpNotice:
		d.event(layer.Event{Kind: layer.EventGone, Channel: d.apps[x.Process].channel})
		d.attach(x.Process)
	}
	return nil
}

// toldToMap checks that an application was told to map a segment at its place.
func (d *addrspaceDriver) toldToMap(x valloc.Step, place valloc.Segment) error {
	told := d.apps[x.Process].told
	g := &d.segments[x.Segment]
	if x.Process == x.Segment && len(told) > 0 {
		g.segment = told[0].Handle
	}
	if err := d.expect(x.Process, wire.Map, g); err != nil {
		return err
	}
	base, size := spaceBase+wire.Location(place.At)*addrspaceUnit, uint64(place.Units)*addrspaceUnit-segments.Page
	if m := told[0]; m.Base != base || m.Size != size {
		return fmt.Errorf("%w: application %d was told %v, the model has it at %#x, %d bytes", errRefinement, x.Process, m, uint64(base), size)
	}
	return nil
}

// expect removes the oldest map or unmap that an application was told, and checks it.
func (d *addrspaceDriver) expect(p int, kind wire.Type, g *addrspaceSegment) error {
	told := &d.apps[p].told
	if len(*told) == 0 || (*told)[0].Type != kind || (*told)[0].Handle != g.segment {
		return fmt.Errorf("%w: application %d was told %v, the model says %v of %v", errRefinement, p, *told, kind, g.segment)
	}
	*told = (*told)[1:]
	return nil
}
