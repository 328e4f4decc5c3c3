package main

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"cutthrough/impl"
	"cutthrough/shm/oshost"
)

func TestFindPostgres(t *testing.T) {
	debian, path := t.TempDir(), t.TempDir()
	t.Setenv("PATH", path)
	if got, err := findPostgres(debian); !errors.Is(err, errNoPostgres) {
		t.Errorf("%s, %v without any", got, err)
	}
	for _, version := range []string{"9.6", "9", "15"} {
		bin := filepath.Join(debian, version, "bin")
		if err := os.MkdirAll(bin, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(bin, "initdb"), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := findPostgres(debian); err != nil || got != filepath.Join(debian, "15/bin") {
		t.Errorf("%s, %v, want the newest", got, err)
	}
	if err := os.Symlink(filepath.Join(debian, "9/bin/initdb"), filepath.Join(path, "initdb")); err != nil {
		t.Fatal(err)
	}
	if got, err := findPostgres(debian); err != nil || got != filepath.Join(debian, "9/bin") {
		t.Errorf("%s, %v, want that of PATH", got, err)
	}
}

// TestForward: bytes and ends go both ways, over sockets and over sessions.
func TestForward(t *testing.T) {
	layer, err := startLayer(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer layer.stop()
	app, err := impl.Attach(oshost.New(), layer.addr, impl.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	t.Run("sockets", func(t *testing.T) { testForward(t, "", net.Dial) })
	t.Run("sessions", func(t *testing.T) { testForward(t, layer.addr, impl.Dialer{App: app}.Dial) })
	if made := layer.sessions.Load(); made != 2 {
		t.Errorf("%d sessions", made)
	}
}

func testForward(t *testing.T, layer string, dial func(network, address string) (net.Conn, error)) {
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	f, err := forward(layer, listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer f.stop()
	address, err := f.expand([]string{"${host}:${port}"})
	if err != nil {
		t.Fatal(err)
	}
	for _, clientEnds := range []bool{true, false} {
		client, err := dial("tcp", address[0])
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		server, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		carry(t, client, server)
		carry(t, server, client)
		first, second := client, server
		if !clientEnds {
			first, second = server, client
		}
		first.Close()
		if n, err := second.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("%d, %v after the end of the other side, %v", n, err, clientEnds)
		}
	}
	if err := f.stop(); err != nil || f.taken != 2 {
		t.Errorf("%d connections, %v", f.taken, err)
	}
}

// carry writes to a connection what must arrive at another one.
func carry(t *testing.T, from, to net.Conn) {
	t.Helper()
	want, got := []byte("some bytes"), make([]byte, 10)
	if _, err := from.Write(want); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(to, got); err != nil || string(got) != string(want) {
		t.Fatalf("%q, %v", got, err)
	}
}
