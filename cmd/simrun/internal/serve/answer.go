package serve

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"cutthrough/impl/server"
	"cutthrough/shm"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// clientTimeout is how long a client of stat or metrics may take to ask and to read.
const clientTimeout = 10 * time.Second

// statServer answers stat.
type statServer struct {
	l       net.Listener
	server  *server.Server
	limits  server.Config
	log     *slog.Logger
	clients sync.WaitGroup
}

// run answers until the listener is closed, and returns when the last client has its answer or has gone.
func (s *statServer) run() {
	for {
		c, err := s.l.Accept()
		if err != nil {
			break
		}
		s.clients.Go(func() { s.answer(c) })
	}
	s.clients.Wait()
}

// answer writes a picture to a client that may see it.
func (s *statServer) answer(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(clientTimeout)) // a client that does not read is not waited for
	peer, err := peerOf(c.(*slotted).Conn)
	if err != nil {
		s.log.Warn("stat refused", "err", err)
		return
	}
	st, err := s.server.StatFor(peer)
	if err != nil {
		s.log.Warn("stat refused", "pid", peer.PID, "err", err)
		return
	}
	if err := json.NewEncoder(c).Encode(picture{Layer: st, Usage: usage(&st, &s.limits)}); err != nil {
		s.log.Warn("stat not read", "err", err)
	}
}

// peerOf returns the process that connected, which decides what it may see: an abstract socket has no permissions.
func peerOf(c net.Conn) (peer shm.Peer, err error) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return peer, errors.New("stat is for unix sockets")
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return peer, err
	}
	ctlErr := raw.Control(func(fd uintptr) {
		var cred *unix.Ucred
		if cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			peer = shm.Peer{UID: cred.Uid, GID: cred.Gid, PID: int(cred.Pid)}
		}
	})
	return peer, errors.Join(ctlErr, err)
}

// metricsServer returns what answers with the metrics of a registry, at any path.
func metricsServer(registry *prometheus.Registry, log *slog.Logger) *http.Server {
	errorLog := slog.NewLogLogger(log.Handler(), slog.LevelWarn)
	return &http.Server{
		Handler: promhttp.HandlerFor(registry, promhttp.HandlerOpts{
			ErrorLog: errorLog, ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: maxClients,
		}),
		ErrorLog:          errorLog,
		ReadHeaderTimeout: clientTimeout, ReadTimeout: clientTimeout, WriteTimeout: clientTimeout, IdleTimeout: clientTimeout,
		MaxHeaderBytes: 8 << 10,
	}
}
