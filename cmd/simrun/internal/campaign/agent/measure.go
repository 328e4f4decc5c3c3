package agent

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"time"

	"cutthrough/impl"
	"cutthrough/internal/load"
)

const (
	messageSize  = 64                    // bytes of a message whose round trip is measured
	messages     = 20                    // round trips for each connect
	attachPeriod = 20 * time.Millisecond // an application attaches once in its life
	opPatience   = 10 * time.Second      // for one operation: beyond that it has failed
)

// Measured are the times that an honest application needs, while it does one thing at a time.
type Measured struct {
	Attach, Connect, RoundTrip []time.Duration
	Failures                   []string
}

// Add adds what was measured later.
func (m *Measured) Add(n Measured) {
	m.Attach, m.Connect = append(m.Attach, n.Attach...), append(m.Connect, n.Connect...)
	m.RoundTrip, m.Failures = append(m.RoundTrip, n.RoundTrip...), append(m.Failures, n.Failures...)
}

// meter measures with one application.
type meter struct {
	app      *impl.App
	socket   string
	live     net.Conn // as old as the meter
	serial   uint64
	attached time.Time // the last time that another application was
	m        *Measured
}

// MeasureCall asks to measure for some time with a session layer.
type MeasureCall struct {
	Socket string
	Time   time.Duration
}

// Measure measures attaches, connects and round trips, and looks whether each message comes back as it was.
func (a *Agent) Measure(c MeasureCall, m *Measured) error {
	x := meter{app: a.app, socket: c.Socket, m: m}
	var err error
	if x.live, err = a.dial(); err != nil {
		return err
	}
	for end := time.Now().Add(c.Time); time.Now().Before(end) && len(m.Failures) < maxFailures; {
		x.attach(a)
		x.connect()
		for range messages {
			x.roundTrip()
		}
	}
	return x.live.Close()
}

// time records how long f takes, or why it fails.
func (x *meter) time(what string, to *[]time.Duration, f func() error) {
	begun := time.Now()
	err := f()
	took := time.Since(begun)
	*to = append(*to, took)
	if err == nil && took > opPatience {
		err = fmt.Errorf("took %v", took)
	}
	if err != nil {
		x.m.Failures = append(x.m.Failures, fmt.Sprintf("%s: %v", what, err))
	}
}

func (x *meter) attach(a *Agent) {
	if time.Since(x.attached) < attachPeriod {
		return
	}
	x.attached = time.Now()
	var app *impl.App
	x.time("attach", &x.m.Attach, func() (err error) {
		app, err = impl.Attach(a.host, x.socket, impl.Options{})
		return err
	})
	if app != nil {
		_ = app.Close()
	}
}

func (x *meter) connect() {
	ctx, cancel := context.WithTimeout(context.Background(), opPatience)
	defer cancel()
	var s *impl.Session
	x.time("connect", &x.m.Connect, func() (err error) {
		s, err = x.app.Dial(ctx, URI)
		return err
	})
	if s != nil {
		_ = s.Close()
	}
}

func (x *meter) roundTrip() {
	x.serial++
	msg := make([]byte, messageSize)
	copy(msg, load.Pattern[x.serial%uint64(len(load.Pattern)-messageSize):])
	binary.LittleEndian.PutUint64(msg, x.serial)
	_ = x.live.SetDeadline(time.Now().Add(opPatience)) // fails only if the round trip does
	x.time("round trip", &x.m.RoundTrip, func() error { return load.RoundTrip(x.live, msg) })
}
