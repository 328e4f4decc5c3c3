package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"cutthrough/impl"
	"cutthrough/model"
	"cutthrough/properties/oracle"
	"cutthrough/sim/scenario"
)

// Operations of an application. Those without a port use its newest session.
type (
	listen   struct{ port int }
	unlisten struct{ port int }
	accept   struct{ port int }
	dial     struct{ port int }
	stray    struct{ port int } // dials another machine: no application of this one may accept
	detach   struct{}
	wait     struct{ minutes int }

	write    struct{ bytes int }
	read     struct{ bytes int }
	expect   struct{ bytes int } // reads in a task of its own
	shut     struct{}            // closes for writing
	closeAll struct{}            // closes for reading and writing
	reset    struct{}
)

const (
	maxPort    = 9
	maxBytes   = 1 << 14
	maxMinutes = 60
)

var sessionVerbs = append(rogueVerbs(),
	scenario.VerbOf("listen", sessionApps, listen{}, scenario.Number("port", 1, maxPort, func(o *listen) *int { return &o.port })),
	scenario.VerbOf("unlisten", sessionApps, unlisten{}, scenario.Number("port", 1, maxPort, func(o *unlisten) *int { return &o.port })),
	scenario.VerbOf("accept", sessionApps, accept{}, scenario.Number("port", 1, maxPort, func(o *accept) *int { return &o.port })),
	scenario.VerbOf("dial", sessionApps, dial{}, scenario.Number("port", 1, maxPort, func(o *dial) *int { return &o.port })),
	scenario.VerbOf("stray", sessionApps, stray{}, scenario.Number("port", 1, maxPort, func(o *stray) *int { return &o.port })),
	scenario.VerbOf("detach", sessionApps, detach{}),
	scenario.VerbOf("wait", sessionApps, wait{}, scenario.Number("minutes", 1, maxMinutes, func(o *wait) *int { return &o.minutes })),
	scenario.VerbOf("write", sessionApps, write{}, scenario.Number("bytes", 0, maxBytes, func(o *write) *int { return &o.bytes })),
	scenario.VerbOf("read", sessionApps, read{}, scenario.Number("bytes", 0, maxBytes, func(o *read) *int { return &o.bytes })),
	scenario.VerbOf("expect", sessionApps, expect{}, scenario.Number("bytes", 0, maxBytes, func(o *expect) *int { return &o.bytes })),
	scenario.VerbOf("shut", sessionApps, shut{}),
	scenario.VerbOf("close", sessionApps, closeAll{}),
	scenario.VerbOf("reset", sessionApps, reset{}),
)

// appOp is an operation of an application.
type appOp interface{ do(x *sessionApp) error }

func (o listen) do(x *sessionApp) error {
	return x.hist.directory(model.Bind, o.port, x.id, func() error { return x.listen(o.port) })
}

func (o unlisten) do(x *sessionApp) error {
	l := x.listeners[o.port]
	if l == nil {
		return nil
	}
	delete(x.listeners, o.port)
	return x.hist.directory(model.Unbind, o.port, x.id, l.Close)
}

func (o accept) do(x *sessionApp) error {
	l := x.listeners[o.port]
	if l == nil {
		return nil
	}
	s, err := l.AcceptSession()
	return x.adopt(s, err, false)
}

func (o dial) do(x *sessionApp) error { return x.dial(o.port) }

func (o stray) do(x *sessionApp) error {
	_, err := x.app.Dial(context.Background(), fmt.Sprintf("tcp://192.0.2.1/%d", o.port))
	if err == nil {
		x.w.Fail(oracle.DocumentedErrors, "dial 192.0.2.1: an application of this machine has accepted")
	}
	return err
}

func (detach) do(x *sessionApp) error { return x.leave() }

func (o wait) do(x *sessionApp) error {
	x.h.Sleep(x.h.Now() + time.Duration(o.minutes)*time.Minute)
	return nil
}

// dataOp is an operation on the newest session of an application.
type dataOp interface {
	on(x *sessionApp, s *impl.Session) error
}

func (o write) on(x *sessionApp, s *impl.Session) error {
	buf := make([]byte, o.bytes)
	model.FillStream(buf, x.wrote)
	n, err := s.Write(buf)
	x.wrote += n
	x.hist.wrote(x, n)
	return err
}

func (o read) on(x *sessionApp, s *impl.Session) error {
	buf := make([]byte, o.bytes)
	there := x.hist.unread(x)
	n, err := io.ReadFull(s, buf)
	if !x.risks(s) {
		oracle.CheckStream(x.w, buf[:n], x.got)
	}
	x.got += n
	if n > 0 {
		x.w.Sometimes("data")
	}
	if errors.Is(err, impl.ErrPeerGone) || errors.Is(err, impl.ErrLayerGone) {
		x.w.Sometimes("bereaved")
		x.hist.endedByPeer(x)
		if errors.Is(err, impl.ErrPeerGone) {
			there = x.hist.unread(x) + n // it writes no more
		}
		if left := there - n; left > 0 && !x.expects {
			x.w.Fail(oracle.WrittenIsRead, "read: %v, and %d bytes that the peer has written were not read", err, left)
		}
	}
	return err
}

func (o expect) on(x *sessionApp, s *impl.Session) error {
	x.expects = true
	x.h.Go(x.h.Name()+"-expects", func() {
		if _, err := io.ReadFull(s, make([]byte, o.bytes)); err != nil {
			x.hist.learned(x, s, err)
			x.failedOn(s, sessionVerbs.Text(x.h.Name(), o).String(), err)
		}
	})
	return nil
}

func (shut) on(x *sessionApp, s *impl.Session) error {
	x.hist.ends.Ending(handleOf(s), x.id)
	return s.CloseWrite()
}

func (closeAll) on(x *sessionApp, s *impl.Session) error {
	return x.hist.closes(x, !x.expects && x.hist.unread(x) > 0, s.Close)
}

func (reset) on(x *sessionApp, s *impl.Session) error { return x.hist.closes(x, true, s.Reset) }

// polite says whether the server listens at port 1 first, then accepts as often as the client dials, reads every byte
// of each session, and each session is closed once after that. Without faults all operations must succeed then.
func polite(ops []scenario.Op) bool {
	written := func(o any) (int, bool) { w, ok := o.(write); return w.bytes, ok }
	wasRead := func(o any) (int, bool) { r, ok := o.(read); return r.bytes, ok }
	intrudes := func(o any) bool { return o == dial{1} || o == listen{1} }
	srv := scenario.OpsOf[any](ops, "srv")
	if len(srv) == 0 || srv[0] != (listen{1}) || slices.ContainsFunc(scenario.OpsOf[any](ops, "cli2"), intrudes) {
		return false
	}
	out, ok := bytesOf(scenario.OpsOf[any](ops, "cli"), dial{1}, written)
	in, ok2 := bytesOf(srv[1:], accept{1}, wasRead)
	return ok && ok2 && slices.Equal(out, in)
}

// bytesOf returns how many bytes are moved in each session of one side. It returns false unless the side only begins
// sessions, moves bytes in the newest one, and closes that after them.
func bytesOf(ops []any, begin any, moved func(o any) (bytes int, ok bool)) (all []int, ok bool) {
	open := false
	for _, o := range ops {
		n, moves := moved(o)
		switch {
		case o == begin:
			all, open = append(all, 0), true
		case open && o == closeAll{}:
			open = false
		case open && moves:
			all[len(all)-1] += n
		default:
			return nil, false
		}
	}
	return all, true
}
