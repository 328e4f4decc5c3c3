package check

import (
	"bytes"
	"context"
	"errors"
	"testing"
)

// framed returns data as the frames of a checkpoint, with the right checksums.
func framed(data []byte) []byte {
	var b bytes.Buffer
	f := newFrameWriter(&b)
	f.bytes(data)
	if err := f.close(); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}

// unframed returns what is in the frames of a checkpoint.
func unframed(saved []byte) []byte {
	f := newFrameReader(bytes.NewReader(saved))
	var data []byte
	for f.next(); len(f.buf) > 0; f.next() {
		data = append(data, f.buf...)
	}
	return data
}

// FuzzLoad loads checkpoints of any content, with checksums that are right, or of any bytes. One that is loaded can
// be saved, and loaded again; any other is refused by name.
func FuzzLoad(f *testing.F) {
	s, err := New(ladder{}, Options{})
	if err != nil {
		f.Fatal(err)
	}
	for _, levels := range []int{0, 3, 30} {
		for range levels {
			s.Level(context.Background())
		}
		var saved bytes.Buffer
		if err := s.Save(&saved); err != nil {
			f.Fatal(err)
		}
		f.Add(unframed(saved.Bytes()), true)
		f.Add(saved.Bytes(), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, content bool) {
		if content {
			data = framed(data)
		}
		s, err := Load(bytes.NewReader(data), ladder{}, Options{})
		if err != nil {
			if !errors.Is(err, ErrCheckpoint) {
				t.Fatalf("undocumented: %v", err)
			}
			return
		}
		var again bytes.Buffer
		if err := s.Save(&again); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(&again, ladder{}, Options{}); err != nil {
			t.Errorf("what was loaded and saved cannot be loaded: %v", err)
		}
	})
}
