package impl

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"cutthrough/impl/server"
	"cutthrough/impl/wire"
	"cutthrough/shm/oshost"
)

func TestResolve(t *testing.T) {
	for _, tt := range []struct{ network, address, dial, listen string }{
		{"tcp", "127.0.0.1:80", "tcp://127.0.0.1/80", "tcp://127.0.0.1/80"},
		{"tcp", ":80", "tcp://127.0.0.1/80", "tcp://0.0.0.0/80"},
		{"tcp6", ":80", "tcp://::1/80", "tcp://::/80"},
		{"tcp", "[::]:80", "tcp://::1/80", "tcp://::/80"},
		{"tcp4", "LocalHost:0", "tcp://127.0.0.1/0", "tcp://127.0.0.1/0"},
		{"tcp", "127.0.0.1:", "tcp://127.0.0.1/0", "tcp://127.0.0.1/0"},
		{"tcp6", "localhost:80", "tcp://::1/80", "tcp://::1/80"},
		{"tcp", "[::ffff:1.2.3.4]:5", "tcp://1.2.3.4/5", "tcp://1.2.3.4/5"},
		{"tcp", "Shared.Memory:80", "tcp://shared.memory/80", "tcp://shared.memory/80"},
		{"tcp", "tcp://127.0.0.1/80", "tcp://127.0.0.1/80", "tcp://127.0.0.1/80"},
		{"udp", "udp://::1/53", "udp://::1/53", "udp://::1/53"},
		{"unix", "/run/x", "unix:///run/x", "unix:///run/x"},
		{"unix", "\x00x", "unix://@x", "unix://@x"},
		{"unix", "///run//y/../x/", "unix:///run/x", "unix:///run/x"},
		{"", "unix:///run/x", "unix:///run/x", "unix:///run/x"},
		{"", "unix:x", "unix://x", "unix://x"},
		{"", "unix-abstract:x", "unix://@x", "unix://@x"},
		{"", "/run/x:80", "unix:///run/x:80", "unix:///run/x:80"},
		{"", "service", "unix://service", "unix://service"},
		{"", "db:80", "tcp://db/80", "tcp://db/80"},
		{"", "udp://::1/53", "udp://::1/53", "udp://::1/53"},
	} {
		for listen, want := range map[bool]string{false: tt.dial, true: tt.listen} {
			if e, err := Resolve(tt.network, tt.address, listen); err != nil || e.String() != want {
				t.Errorf("%q %q, listen %v: %v, %v, want %s", tt.network, tt.address, listen, e, err, want)
			}
		}
	}
	for _, tt := range []struct{ network, address string }{
		{"", ""}, {"tcp", ""}, {"tcp", "127.0.0.1"}, {"tcp", "127.0.0.1:http"}, {"tcp", "127.0.0.1:65536"}, {"tcp4", "[::1]:80"},
		{"tcp6", "127.0.0.1:80"}, {"tcp", "fe80::1%eth0:80"}, {"tcp", "[fe80::1%eth0]:80"}, {"tcp", "1.2.3:80"}, {"tcp", "a b:80"},
		{"tcp", "udp://127.0.0.1/80"}, {"udp", "127.0.0.1:53"}, {"unix", ""}, {"unix", "a\nb"}, {"unixgram", "/x"}, {"", "http://x/"},
	} {
		var address *net.AddrError
		var unknown net.UnknownNetworkError
		if e, err := Resolve(tt.network, tt.address, false); !errors.As(err, &address) && !errors.As(err, &unknown) {
			t.Errorf("%q %q: %v, %v", tt.network, tt.address, e, err)
		}
	}
}

// network is package net, or sessions in its place.
type network struct {
	name   string
	listen func(address string) (net.Listener, error)
	dial   func(ctx context.Context, address string) (net.Conn, error)
	free   string // an address to listen at
	nobody string // where nothing listens
}

// networks are tcp and sessions named as tcp and unix sockets are.
func networks(t *testing.T) []network {
	addr := startLayer(t, server.Config{})
	serves, dials := attach(t, addr), attach(t, addr)
	sessions := func(name, free, nobody string) network {
		return network{
			"sessions as " + name, func(a string) (net.Listener, error) { return Listen(serves, name, a) },
			func(ctx context.Context, a string) (net.Conn, error) {
				return Dialer{App: dials}.DialContext(ctx, name, a)
			}, free, nobody,
		}
	}
	std := func(name, free, nobody string) network {
		return network{
			name, func(a string) (net.Listener, error) { return net.Listen(name, a) },
			func(ctx context.Context, a string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, name, a)
			}, free, nobody,
		}
	}
	return []network{
		std("tcp", "127.0.0.1:0", "127.0.0.1:1"), sessions("tcp", "127.0.0.1:0", "127.0.0.1:1"),
		std("unix", filepath.Join(t.TempDir(), "s"), "@no such name"), sessions("unix", "/run/s", "@no such name"),
	}
}

// wantOp checks that err is a *net.OpError with an operation and an error inside.
func wantOp(t *testing.T, what string, err error, op string, inside error, timeout bool) {
	t.Helper()
	o, ok := err.(*net.OpError)
	if !ok || o.Op != op || !errors.Is(err, inside) || o.Timeout() != timeout {
		t.Errorf("%s: %#v %v, want %s: %v, timeout %v", what, err, err, op, inside, timeout)
	}
}

// TestLikeNet: the same calls have the same results over tcp, unix sockets and sessions.
func TestLikeNet(t *testing.T) {
	ctx := context.Background()
	for _, n := range networks(t) {
		t.Run(n.name, func(t *testing.T) {
			c, err := n.dial(ctx, n.nobody)
			if c != nil {
				t.Errorf("a dial that failed returned %v", c)
			}
			wantOp(t, "dial where nothing listens", err, "dial", syscall.ECONNREFUSED, false)
			if call := new(os.SyscallError); !errors.As(err, &call) || call.Syscall != "connect" {
				t.Errorf("dial: %v, want the system call", err)
			}
			if errno := syscall.Errno(0); !errors.As(err, &errno) || errno != syscall.ECONNREFUSED {
				t.Errorf("dial: %v, errno %v", err, errno)
			}
			canceled, cancel := context.WithCancel(ctx)
			cancel()
			_, err = n.dial(canceled, n.nobody)
			wantOp(t, "dial canceled", err, "dial", context.Canceled, false)
			past, cancel := context.WithDeadline(ctx, time.Now().Add(-time.Second))
			defer cancel()
			_, err = n.dial(past, n.nobody)
			wantOp(t, "dial too late", err, "dial", context.DeadlineExceeded, true)

			l, err := n.listen(n.free)
			if err != nil {
				t.Fatal(err)
			}
			_, err = n.listen(l.Addr().String())
			wantOp(t, "listen twice", err, "listen", syscall.EADDRINUSE, false)
			likeNetConns(t, n, l)
			check(t, l.Close())
			wantOp(t, "close twice", l.Close(), "close", net.ErrClosed, false)
			_, err = l.Accept()
			wantOp(t, "accept after close", err, "accept", net.ErrClosed, false)
		})
	}
}

// likeNetConns checks connections to l.
func likeNetConns(t *testing.T, n network, l net.Listener) {
	seen := map[string]bool{}
	for range 3 {
		c, err := n.dial(context.Background(), l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		from := s.RemoteAddr().String()
		if n.name != "unix" && (seen[from] || from == s.LocalAddr().String() || c.LocalAddr().String() != from) {
			t.Errorf("client %v, server %v to %v", c.LocalAddr(), s.LocalAddr(), s.RemoteAddr())
		}
		seen[from] = true
		if c.RemoteAddr().String() != l.Addr().String() || s.LocalAddr().String() != l.Addr().String() {
			t.Errorf("client to %v, server %v, listener %v", c.RemoteAddr(), s.LocalAddr(), l.Addr())
		}
		likeNetErrors(t, c, s)
	}
}

func likeNetErrors(t *testing.T, c, s net.Conn) {
	b := make([]byte, 1)
	check(t, c.SetDeadline(time.Unix(1, 0)))
	_, err := c.Read(b)
	wantOp(t, "read too late", err, "read", os.ErrDeadlineExceeded, true)
	_, err = c.Write(b)
	wantOp(t, "write too late", err, "write", os.ErrDeadlineExceeded, true)
	check(t, c.SetDeadline(time.Time{}))

	half := c.(interface {
		CloseRead() error
		CloseWrite() error
		SetReadBuffer(int) error
	})
	check(t, half.SetReadBuffer(1024))
	blocked := make(chan error, 1)
	go func() { _, err := c.Read(b); blocked <- err }()
	check(t, half.CloseRead())
	if err := <-blocked; err != io.EOF {
		t.Errorf("read beside CloseRead: %v", err)
	}
	if _, err := c.Read(b); err != io.EOF {
		t.Errorf("read after CloseRead: %v", err)
	}
	check(t, half.CloseWrite())
	_, err = c.Write(b)
	wantOp(t, "write after CloseWrite", err, "write", syscall.EPIPE, false)
	if _, err := s.Read(b); err != io.EOF {
		t.Errorf("read at the end: %v", err)
	}
	check(t, s.Close())
	check(t, c.Close())
	wantOp(t, "close twice", c.Close(), "close", net.ErrClosed, false)
	wantOp(t, "CloseRead after close", half.CloseRead(), "close", net.ErrClosed, false)
	wantOp(t, "CloseWrite after close", half.CloseWrite(), "close", net.ErrClosed, false)
	wantOp(t, "SetReadBuffer after close", half.SetReadBuffer(1), "set", net.ErrClosed, false)
	wantOp(t, "SetDeadline after close", c.SetDeadline(time.Now()), "set", net.ErrClosed, false)
	_, err = c.Read(b)
	wantOp(t, "read after close", err, "read", net.ErrClosed, false)
	_, err = c.Write(b)
	wantOp(t, "write after close", err, "write", net.ErrClosed, false)
}

// TestDialerOptions: buffers, peers, limits of time, and an application that is missing.
func TestDialerOptions(t *testing.T) {
	addr := startLayer(t, server.Config{})
	serves, dials := attach(t, addr), attach(t, addr)
	l, err := Listen(serves, "tcp", "db:0")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := Dialer{App: dials, Timeout: time.Minute, ReadBuffer: 10_000, WriteBuffer: 200_000}.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := conn.(*Session)
	s, err := l.(*Listener).AcceptSession()
	if err != nil {
		t.Fatal(err)
	}
	check(t, errors.Join(c.SetReadBuffer(10_000), c.SetWriteBuffer(200_000), s.SetWriteBuffer(10_000), s.SetReadBuffer(200_000)))
	wantOp(t, "a larger buffer", c.SetReadBuffer(1<<20), "set", errors.ErrUnsupported, false)
	wantOp(t, "no buffer", c.SetWriteBuffer(0), "set", syscall.EINVAL, false)
	self := oshost.New().Self()
	want := wire.Peer{UID: self.UID, GID: self.GID, PID: uint32(self.PID)}
	if c.Peer() != want || s.Peer() != want {
		t.Errorf("peers %v and %v, want %v", c.Peer(), s.Peer(), want)
	}
	_, err = Dialer{App: dials, Deadline: time.Now().Add(-time.Second)}.Dial("tcp", l.Addr().String())
	wantOp(t, "dial after the deadline", err, "dial", os.ErrDeadlineExceeded, true)
	_, err = Dialer{App: dials, ReadBuffer: -1}.Dial("tcp", l.Addr().String())
	wantOp(t, "dial with a negative buffer", err, "dial", wire.Unsupported, false)
	_, err = Dialer{}.Dial("tcp", l.Addr().String())
	wantOp(t, "dial without an application", err, "dial", wire.NotAttached, false)
	_, err = Listen(nil, "tcp", ":1")
	wantOp(t, "listen without an application", err, "listen", wire.NotAttached, false)
	_, err = Listen(serves, "tcp", "192.0.2.1:80")
	wantOp(t, "listen at another machine", err, "listen", syscall.EADDRNOTAVAIL, false)
	_, err = Dialer{App: serves}.Dial("tcp", l.Addr().String())
	wantOp(t, "dial itself", err, "dial", wire.SelfConnect, false)
}

// TestDialAddress: a dialler in the form of grpc reaches listeners of all networks.
func TestDialAddress(t *testing.T) {
	addr := startLayer(t, server.Config{})
	serves, dials := attach(t, addr), attach(t, addr)
	var dial func(ctx context.Context, target string) (net.Conn, error) = Dialer{App: dials}.DialAddress
	for _, tt := range []struct{ network, address, target string }{
		{"unix", "/run/a", "unix:///run/a"}, {"unix", "b", "b"}, {"tcp", "127.0.0.1:70", "127.0.0.1:70"}, {"tcp", "db:1", "DB:1"},
	} {
		if _, err := Listen(serves, tt.network, tt.address); err != nil {
			t.Fatal(err)
		}
		c, err := dial(context.Background(), tt.target)
		if err != nil || c.RemoteAddr().String() != tt.address {
			t.Errorf("%s: %v, %v", tt.target, c, err)
		}
	}
}

// TestHTTPS: an HTTP transport with TLS dials names over sessions.
func TestHTTPS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"db"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	check(t, err)
	cert, err := x509.ParseCertificate(der)
	check(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(cert)

	addr := startLayer(t, server.Config{})
	serves, dials := attach(t, addr), attach(t, addr)
	l, err := Listen(serves, "tcp", "db:443")
	check(t, err)
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RemoteAddr) })}
	go func() {
		pair := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
		_ = web.Serve(tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}}))
	}()
	defer web.Close()
	transport := &http.Transport{DialContext: Dialer{App: dials}.DialContext, TLSClientConfig: &tls.Config{RootCAs: roots}}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get("https://db/")
	check(t, err)
	defer resp.Body.Close()
	from, err := io.ReadAll(resp.Body)
	if _, _, split := net.SplitHostPort(string(from)); err != nil || split != nil {
		t.Errorf("remote address %q, %v, %v", from, err, split)
	}
}
