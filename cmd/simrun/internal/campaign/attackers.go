package campaign

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// attackers are the processes that attack: how many, and as which user.
type attackers struct {
	n          int
	user       string
	credential *syscall.Credential // nil for the user of the campaign
}

// find looks the user up.
func (a *attackers) find() error {
	if a.user == "" {
		return nil
	}
	u, err := user.Lookup(a.user)
	if err != nil {
		return err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return err
	}
	if self := os.Geteuid(); self != 0 && uint64(self) != uid {
		return fmt.Errorf("only root can start processes of another user, and this is user %d", self)
	}
	a.credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return nil
}

// settings are those of the session layer: it forgets soon after an attack what it keeps for sessions to come, and the
// attackers may attach.
func (a *attackers) settings() []string {
	s := []string{"--linger=1s"}
	if a.credential != nil {
		s = append(s, fmt.Sprintf("--allow-users=%d,%d", os.Geteuid(), a.credential.Uid), "--socket-mode=666")
	}
	return s
}

// letIn lets the user of the attackers find the socket, which is in dir.
func (a *attackers) letIn(dir string) error {
	if a.credential == nil {
		return nil
	}
	return os.Chmod(dir, 0o711)
}
