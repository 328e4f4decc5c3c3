//go:build unix

package trace_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"cutthrough/sim/trace"

	"github.com/google/go-cmp/cmp"
)

// only fails the test unless dir holds exactly the named entries.
func only(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("directory (-want +got):\n%s", diff)
	}
}

func other() *trace.Trace {
	tr := design()
	tr.Scenario = "other"
	return tr
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.trace")
	if err := trace.WriteFile(path, design()); err != nil {
		t.Fatal(err)
	}
	if err := trace.WriteFile(path, other()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("second WriteFile: %v", err)
	}
	got, err := trace.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(design(), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o644 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	only(t, dir, "a.trace")

	if err := trace.ReplaceFile(path, other()); err != nil {
		t.Fatal(err)
	}
	if got := read(t, path); !bytes.Equal(got, trace.Format(other())) {
		t.Errorf("after ReplaceFile:\n%s", got)
	}
	if err := trace.ReplaceFile(filepath.Join(dir, "b.trace"), design()); err != nil {
		t.Error(err)
	}
	only(t, dir, "a.trace", "b.trace")
}

// TestWriteFileSymlink writes to a name that is a link: the target must not change.
func TestWriteFileSymlink(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := trace.WriteFile(link, design()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("WriteFile: %v", err)
	}
	if err := trace.ReplaceFile(link, design()); err != nil {
		t.Error(err)
	}
	if got := read(t, target); string(got) != "precious" {
		t.Errorf("target holds %q", got)
	}
	only(t, dir, "link", "target")
}

func TestWriteFileFails(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	invalid := design()
	invalid.Scenario = ""
	for name, write := range map[string]func(string, *trace.Trace) error{
		"WriteFile": trace.WriteFile, "ReplaceFile": trace.ReplaceFile,
	} {
		if err := write(filepath.Join(dir, "a.trace"), invalid); err == nil {
			t.Errorf("%s of an invalid trace: no error", name)
		}
		if err := write(filepath.Join(dir, "d"), design()); err == nil {
			t.Errorf("%s to a directory: no error", name)
		}
		if err := write(filepath.Join(dir, "missing", "a.trace"), design()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s in a missing directory: %v", name, err)
		}
	}
	only(t, dir, "d")
}

// TestWriteFileOnce starts several writers of one path: one wins.
func TestWriteFileOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.trace")
	var won atomic.Int32
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			err := trace.WriteFile(path, design())
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, fs.ErrExist) {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	if n := won.Load(); n != 1 {
		t.Errorf("%d writers won", n)
	}
	only(t, dir, "a.trace")
}

// TestReplaceFileIsAtomic reads while the file is replaced again and again.
func TestReplaceFileIsAtomic(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.trace")
	long := design()
	for range 1000 {
		long.Workload = append(long.Workload, trace.Op{Proc: "prod", Verb: "write", Args: []string{"2"}})
	}
	texts := [2][]byte{trace.Format(design()), trace.Format(long)}
	if err := trace.WriteFile(path, long); err != nil {
		t.Fatal(err)
	}
	var done atomic.Bool
	var writer sync.WaitGroup
	writer.Go(func() {
		defer done.Store(true)
		for i := range 100 {
			if err := trace.ReplaceFile(path, []*trace.Trace{design(), long}[i%2]); err != nil {
				t.Error(err)
			}
		}
	})
	for !done.Load() {
		if got := read(t, path); !bytes.Equal(got, texts[0]) && !bytes.Equal(got, texts[1]) {
			t.Errorf("read %d bytes of a half-written file", len(got))
		}
	}
	writer.Wait()
	only(t, dir, "a.trace")
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, 1<<40); err != nil { // a hole: no disk is used
		t.Fatal(err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir:                           dir + ": not a regular file",
		pipe:                          pipe + ": not a regular file",
		"/dev/zero":                   "/dev/zero: not a regular file",
		large:                         large + ": 41943041 bytes, limit 41943040",
		filepath.Join(dir, "missing"): dir + "/missing: no such file or directory",
		"testdata/messy/design.want/": "testdata/messy/design.want/: not a directory",
	} {
		if _, err := trace.ReadFile(path); err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	if _, err := trace.ReadFile(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}
