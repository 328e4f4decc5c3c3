package impl

import (
	"fmt"
	"slices"
	"syscall"

	"cutthrough/shm"
)

// TrustUsers returns an [Options.Trust] that accepts a session layer of one of the users, with an error that is
// [syscall.EACCES] for any other.
func TrustUsers(uids ...uint32) func(shm.Peer) error {
	return func(p shm.Peer) error {
		if slices.Contains(uids, p.UID) {
			return nil
		}
		return fmt.Errorf("the session layer is of user %d: %w", p.UID, syscall.EACCES)
	}
}
