package oshost

import "io/fs"

// Option changes how the host that [New] returns works.
type Option func(*settings)

type settings struct {
	mode fs.FileMode // of socket files
	gid  int         // of socket files; -1: that of the process
}

func newSettings(options []Option) settings {
	s := settings{mode: 0o600, gid: -1}
	for _, o := range options {
		o(&s)
	}
	return s
}

// SocketMode sets the permissions of the socket files that Listen creates, whatever the umask is: a
// process needs permission to write to connect. The default is 0600: only processes of this user, and
// of root.
func SocketMode(mode fs.FileMode) Option { return func(s *settings) { s.mode = mode.Perm() } }

// SocketGroup sets the group of the socket files that Listen creates. The default is that of the
// process.
func SocketGroup(gid int) Option { return func(s *settings) { s.gid = gid } }
