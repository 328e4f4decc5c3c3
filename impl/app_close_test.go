package impl

import (
	"io"
	"syscall"
	"testing"

	"cutthrough/impl/server"
	"cutthrough/shm"
)

// TestAppCloseThrowsAway: bytes that no call here will read any more are a reset for the peer that wrote them, whether their
// session is closed or all of the application.
func TestAppCloseThrowsAway(t *testing.T) {
	for name, end := range map[string]func(a *App, s *Session) error{
		"session":     func(_ *App, s *Session) error { return s.Close() },
		"application": func(a *App, _ *Session) error { return a.Close() },
	} {
		addr := startLayer(t, server.Config{})
		server, client := attach(t, addr), attach(t, addr)
		l := listen(t, server, testURI)
		c, s := connect(t, l, client)
		read, s2 := connect(t, l, client)
		_, err := c.Write([]byte("unread"))
		check(t, err)
		exchange(t, read, s2, []byte("read"))
		check(t, end(server, s))
		_, err = io.ReadAll(c)
		wantErr(t, name+" closed with bytes unread", err, syscall.ECONNRESET)
		if name == "application" {
			_, err = io.ReadAll(read)
			check(t, err) // nothing of this one was thrown away
		}
	}
}

// TestCorruptQueue: an event queue that the peer has spoiled ends the sessions with that peer, also those whose calls wait.
func TestCorruptQueue(t *testing.T) {
	c, _ := pipe(t)
	wait := result(c.read)
	c.rx.begun()
	c.peer.mu.Lock()
	c.peer.corruptLocked(shm.ErrCorrupt)
	c.peer.mu.Unlock()
	wantErr(t, "read", wait(), shm.ErrCorrupt)
	wantErr(t, "write", c.fill(), shm.ErrCorrupt)
}
