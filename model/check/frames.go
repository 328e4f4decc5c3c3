package check

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// ErrCheckpoint is what is wrong with a checkpoint that cannot be loaded.
var ErrCheckpoint = errors.New("check: bad checkpoint")

// A checkpoint is a magic string and then frames: the length of what follows,
// its checksum continued from the frame before, and so many bytes. An empty
// frame is the last. Nothing is believed before its checksum was compared.
const (
	magic    = "cutthrough checkpoint 1\n"
	maxFrame = 1 << 16
)

// A frameWriter writes frames. The first error sticks.
type frameWriter struct {
	w   io.Writer
	buf []byte
	sum uint32
	err error
}

func newFrameWriter(w io.Writer) *frameWriter {
	f := &frameWriter{w: w, buf: make([]byte, 0, maxFrame)}
	_, f.err = io.WriteString(w, magic)
	return f
}

func (f *frameWriter) bytes(p []byte) {
	for len(p) > 0 {
		n := min(len(p), maxFrame-len(f.buf))
		f.buf = append(f.buf, p[:n]...)
		p = p[n:]
		if len(f.buf) == maxFrame {
			f.flush()
		}
	}
}

func (f *frameWriter) uint(v uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	f.bytes(b[:])
}

func (f *frameWriter) string(s string) {
	f.uint(uint64(len(s)))
	f.bytes([]byte(s))
}

func (f *frameWriter) flush() {
	f.sum = crc32.Update(f.sum, crc32.MakeTable(crc32.Castagnoli), f.buf)
	var head [8]byte
	binary.LittleEndian.PutUint32(head[:], uint32(len(f.buf)))
	binary.LittleEndian.PutUint32(head[4:], f.sum)
	for _, p := range [][]byte{head[:], f.buf} {
		if f.err == nil {
			_, f.err = f.w.Write(p)
		}
	}
	f.buf = f.buf[:0]
}

// close writes what is left, and the end.
func (f *frameWriter) close() error {
	if len(f.buf) > 0 {
		f.flush()
	}
	f.flush()
	return f.err
}

// A frameReader reads frames. The first error sticks, and all that is read after
// it is zero.
type frameReader struct {
	r   io.Reader
	buf []byte // of the current frame, what was not read yet
	mem []byte
	sum uint32
	err error
}

func newFrameReader(r io.Reader) *frameReader {
	f := &frameReader{r: r, mem: make([]byte, maxFrame)}
	head := f.mem[:len(magic)]
	if f.full(head); f.err == nil && string(head) != magic {
		f.fail("it does not begin with %q", magic)
	}
	return f
}

func (f *frameReader) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf("%w: %s", ErrCheckpoint, fmt.Sprintf(format, args...))
	}
}

// full fills p from the underlying reader.
func (f *frameReader) full(p []byte) {
	if f.err != nil {
		return
	}
	switch _, err := io.ReadFull(f.r, p); err {
	case nil:
	case io.EOF, io.ErrUnexpectedEOF:
		f.fail("it ends too early")
	default:
		f.err = fmt.Errorf("check: read checkpoint: %w", err)
	}
}

// next reads a frame.
func (f *frameReader) next() {
	var head [8]byte
	f.full(head[:])
	n := binary.LittleEndian.Uint32(head[:])
	if n > maxFrame {
		f.fail("a frame of %d bytes, limit %d", n, maxFrame)
	}
	if f.err != nil {
		return
	}
	f.buf = f.mem[:n]
	f.full(f.buf)
	f.sum = crc32.Update(f.sum, crc32.MakeTable(crc32.Castagnoli), f.buf)
	if f.sum != binary.LittleEndian.Uint32(head[4:]) {
		f.fail("its checksum is wrong")
	}
}

func (f *frameReader) bytes(p []byte) {
	for len(p) > 0 {
		if len(f.buf) == 0 {
			f.next()
			if len(f.buf) == 0 {
				f.fail("it ends too early")
			}
		}
		if f.err != nil {
			clear(p)
			return
		}
		n := copy(p, f.buf)
		p, f.buf = p[n:], f.buf[n:]
	}
}

func (f *frameReader) uint() uint64 {
	var b [8]byte
	f.bytes(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

// string reads a string that the writer has a copy of, or one of about that
// length: no longer than limit.
func (f *frameReader) string(limit int) string {
	n := f.uint()
	if n > uint64(limit) {
		f.fail("a string of %d bytes, limit %d", n, limit)
		return ""
	}
	b := make([]byte, n)
	f.bytes(b)
	return string(b)
}

// close reads the end, after which there must be nothing.
func (f *frameReader) close() error {
	if f.err == nil {
		if len(f.buf) == 0 {
			f.next()
		}
		if len(f.buf) != 0 {
			f.fail("there is more in it than there should be")
		}
	}
	if f.err != nil {
		return f.err
	}
	switch n, err := io.ReadFull(f.r, f.mem[:1]); {
	case n > 0:
		f.fail("something follows its end")
	case err != io.EOF:
		f.err = fmt.Errorf("check: read checkpoint: %w", err)
	}
	return f.err
}
