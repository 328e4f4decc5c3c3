package oshost

import (
	"io/fs"
	"os"
)

// Sockets says how the sockets of [NewWith] and [ListenStream] are made. The zero value makes socket
// files to which only processes of the same user can connect.
type Sockets struct {
	// Mode is the permission bits of a socket file; 0 means 0600. They are in force before the first
	// connection is possible.
	Mode fs.FileMode
	// Group is the group of a socket file; 0 leaves the one that the system gives it.
	Group int
	// Inherited are sockets that listen already, by address. The first listener of an address takes
	// the file over and closes it, and leaves the file of the socket alone.
	Inherited map[string]*os.File
}

// mode returns the permission bits of a socket file.
func (s Sockets) mode() fs.FileMode {
	if s.Mode == 0 {
		return 0o600
	}
	return s.Mode.Perm()
}
