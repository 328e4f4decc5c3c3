package server

import (
	"errors"
	"slices"

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
