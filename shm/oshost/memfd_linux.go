package oshost

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"golang.org/x/sys/unix"

	"cutthrough/shm"
)

// memfdName is the name of mappings of segments in /proc/PID/maps.
const memfdName = "cutthrough"

// segmentSeals make a memfd safe to map. No process can change its size, which would turn accesses
// into SIGBUS, nor add the seals that forbid writing. Holes can still be punched: they read as
// zero, a value like any other.
const segmentSeals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// CreateSegment implements [shm.Host]. Besides ErrSize it returns errors of the kernel, for example
// ENOSPC, ENOMEM or EMFILE, and leaves no descriptor or mapping behind then.
func (h *host) CreateSegment(size uint64) (*shm.Segment, error) {
	if err := shm.CheckSegmentSize(size); err != nil {
		return nil, err
	}
	fd, err := newMemfd(size)
	if err != nil {
		return nil, fmt.Errorf("oshost: create segment of %d bytes: %w", size, err)
	}
	desc := &fdDesc{fd: fd}
	mem, err := mapShared(fd, size)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("oshost: create segment: %w", err), desc.Close())
	}
	// A random generation tells a new segment also from those of earlier processes.
	return shm.FormatSegment(mem, max(1, rand.Uint64()), nil, desc, func() error { return unix.Munmap(mem) })
}

// newMemfd returns a sealed memfd of size bytes whose memory is reserved.
func newMemfd(size uint64) (int, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(memfdName, flags|unix.MFD_NOEXEC_SEAL)
	if err == unix.EINVAL { // Linux before 6.3
		fd, err = unix.MemfdCreate(memfdName, flags)
	}
	if err != nil {
		return -1, fmt.Errorf("memfd_create: %w", err)
	}
	if err := sizeAndSeal(fd, int64(size)); err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

func sizeAndSeal(fd int, size int64) error {
	if err := retryEINTR(func() error { return unix.Ftruncate(fd, size) }); err != nil {
		return fmt.Errorf("ftruncate: %w", err)
	}
	// In pieces: a signal undoes a fallocate that it interrupts, and a profiler sends a signal every
	// 10 ms, so a large fallocate might never end.
	const piece = 16 << 20
	for at := int64(0); at < size; at += piece {
		n := min(piece, size-at)
		if err := retryEINTR(func() error { return unix.Fallocate(fd, 0, at, n) }); err != nil {
			return fmt.Errorf("fallocate: %w", err)
		}
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, segmentSeals); err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	return nil
}

// MapSegment implements [shm.Host]. Besides the errors named there it returns errors of the kernel
// when it cannot map, for example ENOMEM.
func (h *host) MapSegment(d shm.Desc, size uint64) (*shm.Segment, error) {
	fd, err := takeFD(d)
	if err != nil {
		return nil, fmt.Errorf("oshost: map segment: %w", err)
	}
	s, err := mapMemfd(fd, size)
	if err != nil {
		closeForeign(fd)
		return nil, fmt.Errorf("oshost: map segment: %w", err)
	}
	return s, nil
}

// mapMemfd maps and attaches fd. On failure no mapping is left and the caller keeps fd.
func mapMemfd(fd int, size uint64) (*shm.Segment, error) {
	if err := checkMemfd(fd, size); err != nil {
		return nil, err
	}
	mem, err := mapShared(fd, size)
	if err != nil {
		return nil, err
	}
	s, err := shm.AttachSegment(mem, nil, &fdDesc{fd: fd}, func() error { return unix.Munmap(mem) })
	if err != nil {
		return nil, errors.Join(err, unix.Munmap(mem))
	}
	return s, nil
}

// checkMemfd checks that fd is a memfd of size bytes whose size is sealed. It asks for the seals
// first: that request never reaches a file system, and only memory files have seals, so that a peer
// cannot make the other calls hang.
func checkMemfd(fd int, size uint64) error {
	seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err != nil {
		return fmt.Errorf("no memfd: %w (%w)", shm.ErrDesc, err)
	}
	var fs unix.Statfs_t
	if err := retryEINTR(func() error { return unix.Fstatfs(fd, &fs) }); err != nil {
		return fmt.Errorf("fstatfs: %w", err)
	}
	if fs.Type != unix.TMPFS_MAGIC { // huge pages are sealed too, but may be lacking on first touch
		return fmt.Errorf("memory file of file system %#x: %w", fs.Type, shm.ErrDesc)
	}
	if seals&segmentSeals != segmentSeals {
		return fmt.Errorf("memfd with seals %#x, want %#x: %w", seals, segmentSeals, shm.ErrUnsealed)
	}
	var st unix.Stat_t
	if err := retryEINTR(func() error { return unix.Fstat(fd, &st) }); err != nil {
		return fmt.Errorf("fstat: %w", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return fmt.Errorf("memory file of mode %#o: %w", st.Mode, shm.ErrDesc)
	}
	if uint64(st.Size) != size {
		return fmt.Errorf("memfd has %d bytes, the peer announced %d: %w", st.Size, size, shm.ErrSize)
	}
	return shm.CheckSegmentSize(size)
}

// mapShared maps fd at an address of the kernel's choice. A memfd that may not be mapped for
// writing (opened read-only, or sealed against it) is of the wrong kind.
func mapShared(fd int, size uint64) ([]byte, error) {
	if size > math.MaxInt {
		return nil, fmt.Errorf("mmap of %d bytes: %w", size, shm.ErrSize)
	}
	mem, err := unix.Mmap(fd, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	switch err {
	case nil:
		return mem, nil
	case unix.EACCES, unix.EPERM:
		return nil, fmt.Errorf("mmap: %w (%w)", shm.ErrDesc, err)
	}
	return nil, fmt.Errorf("mmap: %w", err)
}

// retryEINTR repeats a call that a signal interrupted.
func retryEINTR(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}
