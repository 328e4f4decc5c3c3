package server

import (
	"errors"
	"fmt"
	"slices"

	"cutthrough/impl/layer"
	"cutthrough/impl/wire"
	"cutthrough/shm"
)

// Applicant is an application that asks to attach.
type Applicant struct {
	Peer      shm.Peer // its process, as the kernel knows it
	Namespace string   // that it asks for; it may not exist
}

// Policy decides whether an application may attach: it returns OK or the status of the refusal. The server calls
// it before the application gets anything, without a lock, and from several tasks at once.
type Policy func(Applicant) wire.Status

// AllowUsers returns the policy that lets processes of the named users and of root attach, and refuses all others
// with [wire.Denied].
func AllowUsers(uids ...uint32) Policy {
	return func(a Applicant) wire.Status {
		if a.Peer.UID == 0 || slices.Contains(uids, a.Peer.UID) {
			return wire.OK
		}
		return wire.Denied
	}
}

// ErrNoPolicy is why [Server.Run] refuses to serve an abstract address without a [Config.Policy]: there is no file
// whose mode says which users may connect.
var ErrNoPolicy = errors.New("impl: an abstract address needs a policy that says which users may attach")

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
