package oshost_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"cutthrough/shm/internal/shmtest"
	"cutthrough/shm/oshost"
)

// TestSocketMode: only this user may connect unless asked, whatever the umask is.
func TestSocketMode(t *testing.T) {
	for want, options := range map[fs.FileMode][]oshost.Option{
		0o600: nil,
		0o660: {oshost.SocketMode(0o660), oshost.SocketGroup(os.Getegid())},
		0o666: {oshost.SocketMode(0o666)},
	} {
		path := filepath.Join(t.TempDir(), "socket")
		l, err := oshost.New(options...).Listen(path)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("mode %v, %v; want %v", info.Mode(), err, want)
		}
		shmtest.Check(t, l.Close())
	}
}
