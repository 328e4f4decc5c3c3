package server

import (
	"fmt"

	"cutthrough/impl/layer"
	"cutthrough/impl/wire"
	"cutthrough/shm"
)

// Stat returns a picture of the server. Safe for concurrent use.
func (s *Server) Stat() layer.Stat {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.core.Stat()
	st.Uptime = s.host.Now()
	for i := range st.Apps {
		x := &st.Apps[i]
		c := s.channels[x.Channel]
		x.Backlog = len(c.backlog)
		x.PID = c.peer.PID
	}
	return st
}

// Owner says whether a process may see and do everything: it is of the server's own user or of root.
func (s *Server) Owner(p shm.Peer) bool { return p.UID == 0 || p.UID == s.host.Self().UID }

// StatFor returns Stat for a process that asked for it, or [wire.Denied] unless the process is an Owner: the
// picture shows the applications of all users. Safe for concurrent use.
func (s *Server) StatFor(p shm.Peer) (layer.Stat, error) {
	if !s.Owner(p) {
		return layer.Stat{}, fmt.Errorf("impl: stat for user %d: %w", p.UID, wire.Denied)
	}
	return s.Stat(), nil
}
