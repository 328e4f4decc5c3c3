package server

import (
	"slices"

	"cutthrough/impl/layer"
	"cutthrough/impl/wire"
	"cutthrough/shm"
)

// admitLocked makes conn a channel, unless the server is closed or its process connects too often.
func (s *Server) admitLocked(conn shm.Conn, peer shm.Peer) {
	now := s.host.Now()
	at, ok := s.admission.admit(now, peer)
	switch {
	case !ok:
		s.admissions.Refused++
	case at > now:
		s.admissions.Delayed++
	}
	if !ok || s.closed {
		s.closeLocked(conn)
		return
	}
	s.lastChannel++
	c := &channel{id: s.lastChannel, conn: conn, peer: peer}
	s.channels[c.id] = c
	s.stepLocked(layer.Event{Kind: layer.EventOpen, Channel: c.id, User: peer.UID, Peer: credentials(peer)})
	s.trackUnattachedLocked(c)
	s.spawnLocked("server-read", func() {
		if at > s.host.Now() {
			s.host.Sleep(at)
		}
		s.read(c)
	})
}

// Admissions returns the counts so far. Safe for concurrent use.
func (s *Server) Admissions() Admissions {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.admissions
}

// credentials returns what the peers of a process are told of it.
func credentials(p shm.Peer) wire.Peer {
	return wire.Peer{UID: p.UID, GID: p.GID, PID: uint32(max(p.PID, 0))}
}

// judge returns the status with which an attach of the application of c is refused, or OK. A channel that
// attaches again counts like a new one.
func (s *Server) judge(c *channel, m wire.Message) wire.Status {
	if m.Type != wire.Attach {
		return wire.OK
	}
	policy := s.policy
	if policy == nil {
		policy = AllowUsers(s.host.Self().UID)
	}
	if status := policy(Applicant{Peer: c.peer, Namespace: m.Namespace}); status != wire.OK {
		return status
	}
	if c.attaches++; c.attaches == 1 {
		return wire.OK // the channel was admitted
	}
	s.mu.Lock()
	defer s.unlock()
	now := s.host.Now()
	if at, ok := s.admission.admit(now, c.peer); !ok || at > now {
		return wire.QuotaExceeded
	}
	return wire.OK
}

// trackUnattachedLocked adds c to the unattached channels or removes it, and hangs up one beyond a limit, so that
// idle connections cannot exhaust the descriptors of the session layer.
func (s *Server) trackUnattachedLocked(c *channel) {
	unattached := !c.gone && !s.core.Attached(c.id)
	i := slices.Index(s.unattached, c)
	switch {
	case !unattached && i >= 0:
		s.unattached = slices.Delete(s.unattached, i, i+1)
	case unattached && i < 0:
		s.unattached = append(s.unattached, c)
		if x := s.excess(); x >= 0 {
			s.admissions.Evicted++
			s.closeLocked(s.unattached[x].conn) // its reader reports it
			s.unattached = slices.Delete(s.unattached, x, x+1)
		}
	}
}

// excess returns the index of the unattached channel that is one too many, or -1. It is the oldest of the process
// that has the most, of the user that has the most: others than the one that floods keep theirs.
func (s *Server) excess() int {
	users, processes := map[uint32]int{}, map[source]int{}
	for _, c := range s.unattached {
		users[c.peer.UID]++
		processes[source{c.peer.UID, c.peer.PID}]++
	}
	worst := -1
	for i, c := range s.unattached {
		if worst < 0 {
			worst = i
			continue
		}
		w := s.unattached[worst].peer
		more := users[c.peer.UID] - users[w.UID]
		if c.peer.UID == w.UID {
			more = processes[source{c.peer.UID, c.peer.PID}] - processes[source{w.UID, w.PID}]
		}
		if more > 0 {
			worst = i
		}
	}
	if worst < 0 || len(s.unattached) <= s.maxUnattached && users[s.unattached[worst].peer.UID] <= s.maxUserUnattached {
		return -1
	}
	return worst
}
