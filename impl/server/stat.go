package server

import "cutthrough/impl/layer"

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
