package oshost_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cutthrough/internal/proctest"
	"cutthrough/shm"
	"cutthrough/shm/internal/shmtest"
	"cutthrough/shm/oshost"
)

const sealed = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// header returns the first bytes of a segment, as the layout documents them.
func header(magic string, version, size, generation uint64) []byte {
	b := []byte(magic)
	for _, v := range []uint64{version, size, generation} {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b
}

// memfd returns a memory file of size bytes with contents and seals.
func memfd(t testing.TB, flags int, size int64, contents []byte, seals int) int {
	t.Helper()
	fd, err := unix.MemfdCreate("test", flags|unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	shmtest.Check(t, unix.Ftruncate(fd, size))
	if len(contents) > 0 {
		if _, err := unix.Pwrite(fd, contents, 0); err != nil {
			t.Fatal(err)
		}
	}
	if seals != 0 {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
			t.Fatal(err)
		}
	}
	return fd
}

// must returns fd, or ends the test.
func must(t testing.TB) func(fd int, err error) int {
	return func(fd int, err error) int {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
}

// reopened returns another open of the file behind fd, and closes fd.
func reopened(t testing.TB, fd, flags int) int {
	t.Helper()
	again := must(t)(unix.Open("/proc/self/fd/"+strconv.Itoa(fd), flags|unix.O_CLOEXEC, 0))
	shmtest.Check(t, unix.Close(fd))
	return again
}

// oneOf returns the first of a pair of descriptors and closes the second.
func oneOf(t testing.TB, pair [2]int, err error) int {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	shmtest.Check(t, unix.Close(pair[1]))
	return pair[0]
}

// offer is what a peer may send as a segment of 8192 bytes, and what comes of it.
type offer struct {
	name string
	make func() int
	want error
}

func offers(t *testing.T) []offer {
	const size, sealable = 8192, unix.MFD_ALLOW_SEALING
	good := header("THRUSEG1", 1, size, 7)
	must := must(t)
	return []offer{
		{"segment", func() int { return memfd(t, sealable, size, good, sealed) }, nil},
		{"pipe", func() int {
			var p [2]int
			err := unix.Pipe2(p[:], unix.O_CLOEXEC)
			return oneOf(t, p, err)
		}, shm.ErrDesc},
		{"socket", func() int {
			p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
			return oneOf(t, p, err)
		}, shm.ErrDesc},
		{"/dev/zero", func() int { return must(unix.Open("/dev/zero", unix.O_RDWR|unix.O_CLOEXEC, 0)) }, shm.ErrDesc},
		{"directory", func() int { return must(unix.Open("/", unix.O_RDONLY|unix.O_CLOEXEC, 0)) }, shm.ErrDesc},
		{"ordinary file", func() int {
			return must(unix.Open(t.TempDir(), unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600))
		}, shm.ErrDesc},
		{"path only", func() int { return reopened(t, memfd(t, sealable, size, good, sealed), unix.O_PATH) }, shm.ErrDesc},
		{"eventfd", func() int { return must(unix.Eventfd(0, unix.EFD_CLOEXEC)) }, shm.ErrDesc},
		{"epoll", func() int { return must(unix.EpollCreate1(unix.EPOLL_CLOEXEC)) }, shm.ErrDesc},
		{"huge pages", func() int {
			return memfd(t, sealable|unix.MFD_HUGETLB|unix.MFD_HUGE_2MB, 0, nil, sealed)
		}, shm.ErrDesc},
		{"read-only open", func() int {
			return reopened(t, memfd(t, sealable, size, good, sealed), unix.O_RDONLY)
		}, shm.ErrDesc},
		{"sealed against writing", func() int {
			return memfd(t, sealable, size, good, sealed|unix.F_SEAL_FUTURE_WRITE)
		}, shm.ErrDesc},
		{"not sealable", func() int { return memfd(t, 0, size, good, 0) }, shm.ErrUnsealed},
		{"not sealed", func() int { return memfd(t, sealable, size, good, 0) }, shm.ErrUnsealed},
		{"may shrink", func() int {
			return memfd(t, sealable, size, good, sealed&^unix.F_SEAL_SHRINK)
		}, shm.ErrUnsealed},
		{"may grow", func() int { return memfd(t, sealable, size, good, sealed&^unix.F_SEAL_GROW) }, shm.ErrUnsealed},
		{"may get seals", func() int { return memfd(t, sealable, size, good, sealed&^unix.F_SEAL_SEAL) }, shm.ErrUnsealed},
		{"empty", func() int { return memfd(t, sealable, 0, nil, sealed) }, shm.ErrSize},
		{"too small", func() int { return memfd(t, sealable, size-8, good, sealed) }, shm.ErrSize},
		{"too large", func() int { return memfd(t, sealable, size+8, good, sealed) }, shm.ErrSize},
		{"zeroed header", func() int { return memfd(t, sealable, size, nil, sealed) }, shm.ErrCorrupt},
		{"wrong magic", func() int {
			return memfd(t, sealable, size, header("THRUSEG2", 1, size, 7), sealed)
		}, shm.ErrCorrupt},
		{"wrong version", func() int {
			return memfd(t, sealable, size, header("THRUSEG1", 2, size, 7), sealed)
		}, shm.ErrVersion},
		{"wrong size in header", func() int {
			return memfd(t, sealable, size, header("THRUSEG1", 1, size+8, 7), sealed)
		}, shm.ErrCorrupt},
		{"generation 0", func() int {
			return memfd(t, sealable, size, header("THRUSEG1", 1, size, 0), sealed)
		}, shm.ErrCorrupt},
	}
}

// TestMapSegmentDescriptors: whatever a peer sends instead of a segment is refused
// with the right error, and nothing of it stays open or mapped.
func TestMapSegmentDescriptors(t *testing.T) {
	for _, tt := range offers(t) {
		t.Run(tt.name, func(t *testing.T) {
			leaks := proctest.CheckLeaks(t)
			s, err := oshost.New().MapSegment(oshost.ForeignDesc(tt.make()), 8192)
			if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if s != nil {
				shmtest.Check(t, s.Close())
			}
			leaks()
		})
	}
}

// TestMapSegmentTooBig: a size that no segment may have is refused although the
// memfd really has it; one that no file may have never reaches the kernel.
func TestMapSegmentTooBig(t *testing.T) {
	leaks := proctest.CheckLeaks(t)
	for _, size := range []uint64{8, shm.MinSegment + 4, shm.MaxSegment + 4096} {
		fd := memfd(t, unix.MFD_ALLOW_SEALING, int64(size), nil, sealed)
		if _, err := oshost.New().MapSegment(oshost.ForeignDesc(fd), size); !errors.Is(err, shm.ErrSize) {
			t.Errorf("%d bytes: got %v, want %v", size, err, shm.ErrSize)
		}
	}
	leaks()
}

// TestMapSegmentRandomHeader: any header page leads to a segment or to one of the
// documented errors. Bytes are taken from a good header or at random, so that
// every check is reached.
func TestMapSegmentRandomHeader(t *testing.T) {
	const size = shm.MinSegment
	leaks := proctest.CheckLeaks(t)
	rng := rand.New(rand.NewPCG(1, 2))
	good := header("THRUSEG1", 1, size, 7)
	rounds, seen := 5000, map[error]int{}
	if testing.Short() {
		rounds = 500
	}
	for range rounds {
		page := make([]byte, size)
		for i := range page {
			page[i] = byte(rng.Uint32())
		}
		for word := 0; word < len(good); word += 8 {
			if rng.IntN(8) > 0 {
				copy(page[word:], good[word:word+8])
			}
		}
		fd := memfd(t, unix.MFD_ALLOW_SEALING, size, page, sealed)
		s, err := oshost.New().MapSegment(oshost.ForeignDesc(fd), size)
		var want error
		switch {
		case !bytes.Equal(page[:8], good[:8]):
			want = shm.ErrCorrupt
		case !bytes.Equal(page[8:16], good[8:16]):
			want = shm.ErrVersion
		case !bytes.Equal(page[16:24], good[16:24]):
			want = shm.ErrCorrupt
		}
		if !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Fatalf("header %x: got %v, want %v", page[:32], err, want)
		}
		seen[want]++
		if s != nil {
			shmtest.Check(t, s.Close())
		}
	}
	if len(seen) != 3 {
		t.Errorf("outcomes %v, want all three", seen)
	}
	leaks()
}

// TestSegmentSeals: the peer that gets the descriptor cannot resize the segment or
// change what it allows, and the memory is there before its first use.
func TestSegmentSeals(t *testing.T) {
	const size = 1 << 20
	leaks := proctest.CheckLeaks(t)
	h := oshost.New()
	a, b := rawPeer(t, h)
	s, err := h.CreateSegment(size)
	if err != nil {
		t.Fatal(err)
	}
	shmtest.Check(t, a.Send([]byte("x"), []shm.Desc{s.Desc()}, shm.Forever))
	fd := rawRecv(t, b)
	var st unix.Stat_t
	shmtest.Check(t, unix.Fstat(fd, &st))
	if st.Size != size || st.Blocks*512 < size {
		t.Errorf("%d bytes, %d of them reserved, want %d", st.Size, st.Blocks*512, size)
	}
	for what, err := range map[string]error{
		"shrink":     unix.Ftruncate(fd, size/2),
		"grow":       unix.Ftruncate(fd, size*2),
		"write past": second(unix.Pwrite(fd, []byte{1}, size)),
		"seal":       second(unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_FUTURE_WRITE)),
	} {
		if err != unix.EPERM {
			t.Errorf("%s: got %v, want %v", what, err, unix.EPERM)
		}
	}
	shmtest.Check(t, unix.Close(fd))
	shmtest.Check(t, errors.Join(s.Close(), a.Close(), unix.Close(b)))
	leaks()
}

func second(_ int, err error) error { return err }

// TestGenerationsDiffer: a new segment is told from an old one.
func TestGenerationsDiffer(t *testing.T) {
	h, seen := oshost.New(), map[uint64]bool{}
	for range 100 {
		s, err := h.CreateSegment(shm.MinSegment)
		if err != nil {
			t.Fatal(err)
		}
		if s.Generation() == 0 || seen[s.Generation()] {
			t.Errorf("generation %d again", s.Generation())
		}
		seen[s.Generation()] = true
		shmtest.Check(t, s.Close())
	}
}

// TestForeignCloseIsNotWaitedFor: closing what a peer sent takes as long as the
// peer likes (here a TCP socket that lingers), but not our time.
func TestForeignCloseIsNotWaitedFor(t *testing.T) {
	leaks := proctest.CheckLeaks(t)
	h := oshost.New()
	for name, use := range map[string]func(d shm.Desc) error{
		"close": func(d shm.Desc) error { return d.Close() },
		"map segment": func(d shm.Desc) error {
			_, err := h.MapSegment(d, shm.MinSegment)
			return err
		},
		"open doorbell": func(d shm.Desc) error {
			_, err := h.OpenWaiter(d, bellName)
			return err
		},
	} {
		fd, peer := lingering(t, 4*shmtest.Liveness)
		done := make(chan error, 1)
		go func() { done <- use(oshost.ForeignDesc(fd)) }()
		select {
		case err := <-done:
			if err != nil && !errors.Is(err, shm.ErrDesc) {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(shmtest.Liveness):
			t.Errorf("%s: waited for a lingering socket", name)
		}
		shmtest.Check(t, peer.Close()) // it lingers no longer
	}
	leaks()
}

// lingering returns a TCP socket whose close blocks for d, or until its peer, the
// other result, is closed: it has sent more than the peer reads.
func lingering(t testing.TB, d time.Duration) (fd int, peer net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { shmtest.Check(t, l.Close()) }()
	fd = must(t)(unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0))
	port := l.Addr().(*net.TCPAddr).Port
	shmtest.Check(t, unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}))
	if peer, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	shmtest.Check(t, unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: int32(d.Seconds())}))
	shmtest.Check(t, unix.SetNonblock(fd, true))
	for err == nil {
		_, err = unix.Write(fd, make([]byte, 1<<16))
	}
	if err != unix.EAGAIN {
		t.Fatal(err)
	}
	return fd, peer
}
