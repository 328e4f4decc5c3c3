package impl

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/rpc"
	"net/url"
	"strings"
	"sync"
	"testing"

	"cutthrough/impl/server"
	"cutthrough/impl/wire"
)

// Programs of the standard library, unchanged: whatever they expect of a net.Conn and a
// net.Listener, a session and its listener are.

// dialer returns a DialContext of a, for addresses as URLs have them.
func (a *App) dialer(t testing.TB) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, _, addr string) (net.Conn, error) {
		at, err := netip.ParseAddrPort(addr)
		check(t, err)
		s, err := a.DialEndpoint(ctx, wire.Endpoint{Proto: wire.TCP, Addr: at})
		if err != nil {
			return nil, err
		}
		return s, nil
	}
}

// serve serves HTTP on a listener of an application of its own, in the way that
// start starts it.
func serve(t *testing.T, addr, uri string, h http.Handler, start func(*httptest.Server)) *httptest.Server {
	t.Helper()
	ts := httptest.NewUnstartedServer(h)
	check(t, ts.Listener.Close()) // it made one of its own
	ts.Listener = listen(t, attach(t, addr), uri)
	start(ts)
	t.Cleanup(ts.Close)
	return ts
}

// digest answers with the digest of the body, and as many bytes as the query says.
func digest(w http.ResponseWriter, r *http.Request) {
	h := sha256.New()
	n, err := io.Copy(h, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Digest", fmt.Sprintf("%x", h.Sum(nil)))
	body := bytes.Repeat([]byte("0123456789abcdef"), int(n)/16)
	_, _ = w.Write(body)
}

// post posts bodies of many sizes, several at once, and checks the answers.
func post(t *testing.T, c *http.Client, url string) {
	t.Helper()
	var all sync.WaitGroup
	for i := range 24 {
		body := bytes.Repeat([]byte{byte(i)}, 16<<(i%19)) // up to 4 MiB
		all.Go(func() {
			resp, err := c.Post(url, "application/octet-stream", bytes.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			got, err := io.ReadAll(resp.Body)
			check(t, err)
			check(t, resp.Body.Close())
			want := fmt.Sprintf("%x", sha256.Sum256(body))
			if d := resp.Header.Get("Digest"); d != want || len(got) != len(body) {
				t.Errorf("%s: %d bytes, digest %s, sent %d bytes, %s", resp.Status, len(got), d, len(body), want)
			}
		})
	}
	all.Wait()
}

func TestHTTP(t *testing.T) {
	addr := startLayer(t, server.Config{})
	ts := serve(t, addr, testURI, http.HandlerFunc(digest), (*httptest.Server).Start)
	c := ts.Client()
	c.Transport.(*http.Transport).DialContext = attach(t, addr).dialer(t)
	post(t, c, ts.URL)
	c.CloseIdleConnections()
	post(t, c, ts.URL)
}

func TestTLS(t *testing.T) {
	addr := startLayer(t, server.Config{})
	ts := serve(t, addr, testURI, http.HandlerFunc(digest), (*httptest.Server).StartTLS)
	c := ts.Client()
	c.Transport.(*http.Transport).DialContext = attach(t, addr).dialer(t)
	post(t, c, ts.URL)
}

// TestReverseProxy: an application that is a server to one and a client to another.
func TestReverseProxy(t *testing.T) {
	addr := startLayer(t, server.Config{})
	backend := serve(t, addr, testURI, http.HandlerFunc(digest), (*httptest.Server).Start)
	to, err := url.Parse(backend.URL)
	check(t, err)
	proxy := httputil.NewSingleHostReverseProxy(to)
	via := &http.Transport{DialContext: attach(t, addr).dialer(t)}
	t.Cleanup(via.CloseIdleConnections)
	proxy.Transport = via
	// Without full duplex package http closes the body of a request when the answer begins. The
	// proxy may be about to read the end of that body, and then ends its request half answered.
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		check(t, http.NewResponseController(w).EnableFullDuplex())
		proxy.ServeHTTP(w, r)
	})
	front := serve(t, addr, "tcp://127.0.0.1/81", handler, (*httptest.Server).Start)
	c := front.Client()
	c.Transport.(*http.Transport).DialContext = attach(t, addr).dialer(t)
	post(t, c, front.URL)
}

// Arith is a service of package rpc.
type Arith struct{}

// Sum adds numbers.
func (Arith) Sum(numbers []int, sum *int) error {
	for _, n := range numbers {
		*sum += n
	}
	return nil
}

// Shout says it louder, unless it is empty.
func (Arith) Shout(s string, loud *string) error {
	if *loud = strings.ToUpper(s); s == "" {
		return errors.New("nothing to shout")
	}
	return nil
}

func TestRPC(t *testing.T) {
	addr := startLayer(t, server.Config{})
	l := listen(t, attach(t, addr), testURI)
	s := rpc.NewServer()
	check(t, s.Register(Arith{}))
	served := result(func() error {
		for {
			c, err := l.Accept()
			if err != nil {
				return err
			}
			go s.ServeConn(c)
		}
	})
	conn, err := attach(t, addr).Dial(t.Context(), testURI)
	if err != nil {
		t.Fatal(err)
	}
	c := rpc.NewClient(conn)
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			numbers := make([]int, 1000*i)
			for j := range numbers {
				numbers[j] = i
			}
			var sum int
			var loud string
			check(t, c.Call("Arith.Sum", numbers, &sum))
			check(t, c.Call("Arith.Shout", "hello", &loud))
			if sum != 1000*i*i || loud != "HELLO" {
				t.Errorf("%d, %q", sum, loud)
			}
		})
	}
	all.Wait()
	if err := c.Call("Arith.Shout", "", new(string)); err == nil || err.Error() != "nothing to shout" {
		t.Errorf("shout nothing: %v", err)
	}
	check(t, c.Close())
	check(t, l.Close())
	wantErr(t, "accept", served(), net.ErrClosed)
}
