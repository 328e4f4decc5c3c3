package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"cutthrough/cmd/simrun/internal/logs"
	"cutthrough/impl/layer"
	"cutthrough/impl/server"
	"cutthrough/shm"
	"cutthrough/shm/oshost"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// statSuffix is appended to the socket's address for the socket that stat asks.
const statSuffix = ".stat"

// closePatience is how long the end of a session layer may take besides draining, and how long the last log lines are waited for.
const (
	closePatience = 10 * time.Second
	logPatience   = time.Second
)

// service is a session layer with its sockets.
type service struct {
	o        *options
	host     shm.Host
	logs     *logs.Log
	log      *slog.Logger
	registry *prometheus.Registry

	meter   *meter
	server  *server.Server
	channel shm.Listener
	closers []io.Closer // of the sockets for people and monitors
	tasks   sync.WaitGroup
}

// serve runs a session layer until ctx ends. When it returns, all that it made is gone.
func serve(ctx context.Context, o *options, stderr io.Writer) (err error) {
	signal.Ignore(syscall.SIGPIPE) // a log reader that is gone is an error of the write
	s := &service{o: o, registry: prometheus.NewRegistry(), logs: logs.Open(stderr, o.log)}
	defer s.logs.Close(logPatience)
	s.log = s.logs.Logger()
	if err := s.open(); err != nil {
		return errors.Join(err, s.close())
	}
	ran := make(chan error, 1)
	go func() { ran <- s.server.Run() }()
	s.log.Info("serving", "socket", o.socket, "max_apps", o.server.Layer.MaxApps)
	s.notify(daemon.SdNotifyReady)
	select {
	case err = <-ran:
		return errors.Join(err, s.close())
	case <-ctx.Done():
	}
	s.notify(daemon.SdNotifyStopping)
	s.log.Info("stopping", "socket", o.socket)
	err = s.channel.Close() // no application is accepted from here on
	s.server.Leave()
	pending, sessions := s.drain(s.host.Now() + o.drain)
	if pending > 0 {
		s.log.Warn("connects fail with the session layer", "connects", pending, "drain_timeout", o.drain)
	}
	s.log.Info("sessions go on without the session layer", "sessions", sessions)
	err = errors.Join(err, s.close(), <-ran)
	s.log.Info("ended", "socket", o.socket)
	return err
}

// drain waits until every connect is answered or deadline has come. It returns how many are not, and how many other
// sessions there are.
func (s *service) drain(deadline time.Duration) (pending, sessions int) {
	for {
		all := s.server.Stat().Sessions
		pending = 0
		for _, x := range all {
			if x.Pending() {
				pending++
			}
		}
		if pending == 0 || s.host.Now() >= deadline {
			return pending, len(all) - pending
		}
		s.host.Sleep(min(deadline, s.host.Now()+drainPause))
	}
}

// drainPause is how often the answers of all connects are looked for.
const drainPause = 10 * time.Millisecond

// open opens the sockets. If it fails, close closes those that are open.
func (s *service) open() (err error) {
	if err := s.o.inherit(); err != nil {
		return err
	}
	if s.o.socket == "" {
		return errNoSocket
	}
	if s.o.server.Policy, err = s.o.policy(); err != nil { // the socket may be inherited
		return err
	}
	s.host = oshost.NewWith(s.o.sockets)
	if s.channel, err = s.host.Listen(s.o.socket); err != nil {
		return err
	}
	cfg := s.o.server
	cfg.Layer.Epoch = uint32(time.Now().Unix()) // it may not be the first one at this address
	s.meter = newMeter(layer.New(cfg.Layer), s.registry)
	cfg.Core, cfg.Log = s.meter, s.log
	s.server = server.New(s.host, s.channel, cfg)
	registerAdmissions(s.registry, s.server.Admissions)
	own := s.o.sockets
	own.Mode, own.Group = 0o600, 0 // stat tells of all applications
	if err := s.listen(s.o.socket+statSuffix, statName, own, s.serveStat); err != nil {
		return err
	}
	if s.o.metrics == "" {
		return nil
	}
	s.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "cutthrough_log_lines_dropped_total", Help: "Log lines that were left out or could not be written."},
			func() float64 { return float64(s.logs.Dropped()) }),
	)
	return s.listen(s.o.metrics, metricsName, s.o.sockets, s.serveMetrics)
}

var errNoSocket = errors.New("no socket: want --socket, or a socket of type SOCK_SEQPACKET from a service manager (LISTEN_FDS)")

// listen opens a socket for people or monitors and lets a task serve it.
func (s *service) listen(addr, what string, sockets oshost.Sockets, serve func(net.Listener)) error {
	l, err := oshost.ListenStream(addr, sockets)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	s.closers = append(s.closers, l)
	s.tasks.Go(func() { serve(newPatientStreams(l, what, s.log)) })
	return nil
}

func (s *service) serveStat(l net.Listener) {
	(&statServer{l: l, server: s.server, limits: s.o.server, log: s.log}).run()
}

func (s *service) serveMetrics(l net.Listener) {
	web := metricsServer(s.registry, s.log)
	if err := web.Serve(l); !errors.Is(err, net.ErrClosed) {
		s.log.Error("metrics ended", "err", err)
	}
	_ = web.Close() // hangs up the clients
}

// close closes everything that is open and returns when all tasks have ended.
func (s *service) close() error {
	var errs []error
	for _, c := range s.closers {
		errs = append(errs, c.Close())
	}
	switch {
	case s.server != nil:
		if err := s.server.Close(); !errors.Is(err, shm.ErrClosed) { // of the listener, which is closed first
			errs = append(errs, err)
		}
	case s.channel != nil:
		errs = append(errs, s.channel.Close())
	}
	s.tasks.Wait()
	return errors.Join(errs...)
}

// notify tells the service manager, if there is one.
func (s *service) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.log.Warn("service manager not notified", "state", state, "err", err)
	}
}
