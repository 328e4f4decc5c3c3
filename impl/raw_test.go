package impl

import (
	"bytes"
	"io"
	"testing"
	"time"

	"cutthrough/impl/wire"
	"cutthrough/shm"
	"cutthrough/shm/oshost"
)

// raw is an application that is driven by hand, message by message. It maps nothing.
type raw struct {
	t    testing.TB
	host shm.Host
	conn shm.Conn
	last wire.Message // received
}

// rawConn dials the session layer at addr.
func rawConn(t testing.TB, addr string) *raw {
	t.Helper()
	h := oshost.New()
	conn, err := h.Dial(addr, shm.Forever)
	if err != nil {
		t.Fatal(err)
	}
	r := &raw{t: t, host: h, conn: conn}
	t.Cleanup(r.close)
	return r
}

func (r *raw) close() { _ = r.conn.Close() }

// rawApp is a rawConn that has attached.
func rawApp(t testing.TB, addr string) *raw {
	t.Helper()
	r := rawConn(t, addr)
	r.attach()
	return r
}

func (r *raw) attach() {
	r.t.Helper()
	r.send(wire.Message{Type: wire.Attach, RequestID: 1, Scope: wire.ScopeLocal})
	if r.want(wire.AttachReply); r.last.Status != wire.OK {
		r.t.Fatal(r.last)
	}
}

// attachedRaw returns an application and a raw one that listens at testURI, but
// accepts nothing by itself.
func attachedRaw(t testing.TB, addr string) (*App, *raw) {
	t.Helper()
	r := rawApp(t, addr)
	r.listen(testURI)
	return attach(t, addr), r
}

func (r *raw) listen(uri string) {
	r.t.Helper()
	r.send(wire.Message{Type: wire.Bind, RequestID: 2, URI: uri})
	if r.want(wire.BindReply); r.last.Status != wire.OK {
		r.t.Fatal(r.last)
	}
}

func (r *raw) send(m wire.Message) {
	r.t.Helper()
	check(r.t, r.conn.Send(m.Encode(nil), nil, r.host.Now()+liveness))
}

// want receives up to and with the next message of kind k.
func (r *raw) want(k wire.Type) {
	r.t.Helper()
	for {
		if err := r.recv(liveness); err != nil {
			r.t.Fatalf("waiting for %v: %v", k, err)
		}
		if r.last.Type == k {
			return
		}
	}
}

// recv receives one message and throws its descriptors away.
func (r *raw) recv(wait time.Duration) error {
	b := make([]byte, wire.MaxSize)
	n, descs, err := r.conn.Recv(b, r.host.Now()+wait)
	if err != nil {
		return err
	}
	closeDescs(descs)
	r.last, err = wire.Decode(b[:n])
	if r.last.Type == wire.Map { // else there is no other
		_ = r.conn.Send(wire.Message{Type: wire.MapReply, Handle: r.last.Handle}.Encode(nil), nil, r.host.Now()+liveness)
	}
	return err
}

// wantHangup receives until the session layer has hung up.
func (r *raw) wantHangup() {
	r.t.Helper()
	for {
		if err := r.recv(liveness); err == io.EOF {
			return
		} else if err != nil {
			r.t.Fatalf("waiting for the end: %v", err)
		}
	}
}

// exchange sends msg one way, and receives it at the other end.
func exchange(t testing.TB, from, to io.ReadWriter, msg []byte) {
	t.Helper()
	sent := result(func() error { _, err := from.Write(msg); return err })
	got := make([]byte, len(msg))
	if _, err := io.ReadFull(to, got); err != nil || !bytes.Equal(got, msg) {
		t.Errorf("received %d bytes wrong, %v", len(msg), err)
	}
	check(t, sent())
}
