package serve

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"cutthrough/impl/wire"
	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/oshost"
)

// TestDrain: the end of a session layer waits for the answer to a connect, but no longer than the drain timeout, and the
// applications are told before.
func TestDrain(t *testing.T) {
	o := defaultOptions()
	o.socket, o.drain = t.TempDir()+"/layer", 50*time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	var log bytes.Buffer
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, o, &log) }()

	h := oshost.New()
	const uri = "tcp://127.0.0.1/80"
	say := func(requests ...wire.Message) (told func(want wire.Type)) {
		var conn shm.Conn
		proctest.Eventually(func() (ok bool) { // serve has no event for its beginning but that of systemd
			var err error
			conn, err = h.Dial(o.socket, shm.Forever)
			return err == nil
		})
		t.Cleanup(func() { _ = conn.Close() })
		for _, m := range requests {
			if err := conn.Send(m.Encode(nil), nil, shm.Forever); err != nil {
				t.Fatal(err)
			}
		}
		return func(want wire.Type) {
			b := make([]byte, wire.MaxSize)
			for {
				n, descs, err := conn.Recv(b, h.Now()+10*time.Second)
				if err != nil {
					t.Fatalf("no %v: %v", want, err)
				}
				for _, d := range descs {
					_ = d.Close()
				}
				m, err := wire.Decode(b[:n])
				if err != nil {
					t.Fatal(err)
				}
				if m.Type == want {
					return
				}
			}
		}
	}
	attach := wire.Message{Type: wire.Attach, Scope: wire.ScopeLocal}
	silent := say(attach, wire.Message{Type: wire.Bind, URI: uri})
	silent(wire.BindReply)
	dialler := say(attach, wire.Message{Type: wire.Connect, URI: uri})
	silent(wire.Accept)
	stop()
	silent(wire.Leaving)
	dialler(wire.Leaving)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), `"connects fail with the session layer" connects=1`) {
		t.Errorf("log: %s", log.String())
	}
}
