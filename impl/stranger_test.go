package impl

import "testing"

// TestStrangers: of the channels that nobody attaches over, the session layer keeps a few, the newest.
// Those of applications do not count, until these have detached.
func TestStrangers(t *testing.T) {
	addr := startLayer(t, ServerConfig{Strangers: 2})
	app := rawApp(t, addr)
	leaver := rawApp(t, addr)
	leaver.send(Message{Kind: MsgDetach, Context: 3})
	leaver.want(MsgDetachReply)

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
