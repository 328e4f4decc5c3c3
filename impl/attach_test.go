package impl

import (
	"testing"

	"cutthrough/impl/server"
	"cutthrough/impl/wire"
)

// TestDoorbellOfLastAttach: an application that attaches again, after a refusal or a detach, may come with another doorbell;
// it is that one that its peers get.
func TestDoorbellOfLastAttach(t *testing.T) {
	addr := startLayer(t, server.Config{})
	r := rawConn(t, addr)
	r.send(wire.Message{Type: wire.Attach, RequestID: 1, Namespace: "nowhere"}, r.bell.Desc())
	r.want(wire.AttachReply)
	for range 2 {
		bell, err := r.host.NewDoorbell(nameAppBell)
		check(t, err)
		check(t, r.bell.Close())
		r.bell = bell
		r.attach()
		r.listen(testURI)

		client := rawApp(t, addr)
		client.send(wire.Message{Type: wire.Connect, RequestID: 3, URI: testURI})
		r.want(wire.Accept)
		r.send(wire.Message{Type: wire.AcceptReply, Handle: r.last.Handle})
		buf := make([]byte, wire.MaxSize)
		_, descs, err := client.conn.Recv(buf, client.host.Now()+liveness)
		check(t, err)
		check(t, descs[0].Close())
		peer, err := client.host.OpenDoorbell(descs[1], namePeerBell)
		check(t, err)
		check(t, peer.Ring())
		if err := r.bell.Wait(nil, r.host.Now()+liveness); err != nil {
			t.Fatalf("the doorbell that the peer got is another: %v", err)
		}
		check(t, peer.Close())

		r.send(wire.Message{Type: wire.Detach, RequestID: 4})
		r.want(wire.DetachReply)
	}
}
