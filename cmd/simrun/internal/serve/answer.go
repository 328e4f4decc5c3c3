package serve

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"cutthrough/impl/server"

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
	if err := mayLook(c.(*slotted).Conn); err != nil {
		s.log.Warn("stat refused", "err", err)
		return
	}
	st := s.server.Stat()
	if err := json.NewEncoder(c).Encode(picture{Layer: st, Usage: usage(&st, &s.limits)}); err != nil {
		s.log.Warn("stat not read", "err", err)
	}
}

// mayLook refuses clients that are neither root nor the user of the session layer: the picture tells of all
// applications. The permissions of the socket file say the same; an abstract socket has none.
func mayLook(c net.Conn) error {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return errors.New("stat is for unix sockets")
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return err
	}
	ctlErr := raw.Control(func(fd uintptr) {
		var cred *unix.Ucred
		if cred, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err != nil {
			return
		}
		if cred.Uid != 0 && int(cred.Uid) != os.Geteuid() {
			err = errNotYours
		}
	})
	return errors.Join(ctlErr, err)
}

var errNotYours = errors.New("the client is neither root nor the user of the session layer")

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
