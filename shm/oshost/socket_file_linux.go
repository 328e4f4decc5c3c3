package oshost

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"cutthrough/shm"
)

// socketFile is the right to a path: the exclusive lock on "path.lock", which the kernel releases
// when its holder dies. Under that lock a socket file that refuses connections is stale, and
// replacing it cannot hit the file of a new process. A nil socketFile stands for an abstract
// address, which needs no lock.
type socketFile struct {
	path string // absolute, so that it survives a change of the working directory
	lock *os.File
	own  fs.FileInfo // of the socket file that this process made, or nil
}

// lockMode marks a lock file: it is empty, and has the sticky bit, which no other program gives to
// a file. The mark is there from the moment that the file is, so a crash cannot leave a file without it.
const lockMode = fs.ModeSticky | 0o600

// claimSocketFile locks addr and removes a stale socket file; ErrAddrInUse when a living process
// has it or another kind of file is there. The claim of an abstract address is nil.
func claimSocketFile(addr string) (*socketFile, error) {
	if addr[0] == '@' {
		return nil, nil
	}
	path, err := filepath.Abs(addr)
	if err != nil {
		return nil, err
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	f := &socketFile{path: path, lock: lock}
	if err := f.removeStale(addr); err != nil {
		return nil, errors.Join(err, f.release())
	}
	return f, nil
}

// lockFile opens and locks path. If its last holder removed the file between the open and the lock,
// the lock is on a file without a path, and lockFile tries again.
func lockFile(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, lockMode)
		if err != nil {
			return nil, err
		}
		same, err := lockSame(f, path)
		if same {
			return f, nil
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
}

// lockSame locks f and says whether it is still the file at path. A file without the mark of a lock
// file belongs to another program, and stays as it is.
func lockSame(f *os.File, path string) (bool, error) {
	locked, err := f.Stat()
	if err != nil {
		return false, err
	}
	if locked.Mode().Type() != 0 || locked.Mode()&fs.ModeSticky == 0 || locked.Size() > 0 {
		return false, fmt.Errorf("%s is no lock file of a socket, and stays: %w", path, shm.ErrAddrInUse)
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return false, err
	}
	var lockErr error
	err = raw.Control(func(fd uintptr) {
		lockErr = retryEINTR(func() error { return unix.Flock(int(fd), unix.LOCK_EX|unix.LOCK_NB) })
	})
	switch {
	case err != nil:
		return false, err
	case lockErr == unix.EWOULDBLOCK:
		return false, fmt.Errorf("%s is locked: %w", path, shm.ErrAddrInUse)
	case lockErr != nil:
		return false, fmt.Errorf("lock %s: %w", path, lockErr)
	}
	current, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(locked, current), err
}

// removeStale removes a socket file that refuses connections.
func (f *socketFile) removeStale(addr string) error {
	info, err := os.Lstat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is no socket: %w", f.path, shm.ErrAddrInUse)
	}
	fd, err := connect(addr, func() time.Duration { return 0 })
	switch err {
	case nil:
		return errors.Join(fmt.Errorf("%s answers: %w", f.path, shm.ErrAddrInUse), unix.Close(fd))
	case unix.EAGAIN, unix.EPROTOTYPE: // its backlog is full; it is a stream socket
		return fmt.Errorf("%s is in use: %w (%w)", f.path, shm.ErrAddrInUse, err)
	case unix.ECONNREFUSED:
		return os.Remove(f.path)
	}
	return err
}

// remember records the file that bind made.
func (f *socketFile) remember() (err error) {
	if f != nil {
		f.own, err = os.Lstat(f.path)
	}
	return err
}

// permit gives the file that bind made its permissions.
func (f *socketFile) permit(s Sockets) error {
	if f == nil {
		return nil
	}
	if s.Group != 0 {
		if err := os.Lchown(f.path, -1, s.Group); err != nil {
			return err
		}
	}
	return os.Chmod(f.path, s.mode())
}

// remove removes the socket file that this process made.
func (f *socketFile) remove() error {
	if f == nil || f.own == nil {
		return nil
	}
	return removeSame(f.path, f.own)
}

// release gives up the path. It removes the lock file while it holds the lock, so that it cannot
// remove the file of the next holder.
func (f *socketFile) release() error {
	if f == nil {
		return nil
	}
	own, err := f.lock.Stat()
	if err == nil {
		err = removeSame(f.lock.Name(), own)
	}
	return errors.Join(err, f.lock.Close())
}

// removeSame removes path if it still is the file own.
func removeSame(path string, own fs.FileInfo) error {
	current, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !os.SameFile(own, current):
		return nil
	}
	return os.Remove(path)
}
