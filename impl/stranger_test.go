package impl

import (
	"testing"

	"cutthrough/impl/server"
	"cutthrough/impl/wire"
)

// TestStrangers: of the channels over which no application attaches, the session layer keeps a few, the newest.
// Those of applications do not count, until these have detached.
func TestStrangers(t *testing.T) {
	addr := startLayer(t, server.Config{MaxUnattached: 2})
	app := rawApp(t, addr)
	leaver := rawApp(t, addr)
	leaver.send(wire.Message{Type: wire.Detach, RequestID: 3})
	leaver.want(wire.DetachReply)

	stay := rawConn(t, addr)
	late := rawConn(t, addr)
	leaver.wantHangup() // by now the session layer has met late
	newest := rawConn(t, addr)
	stay.wantHangup()
	for _, r := range []*raw{late, newest} {
		r.attach()
	}
	rawConn(t, addr)
	rawConn(t, addr)
	app.listen(testURI) // it is still there
}
