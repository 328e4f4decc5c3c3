package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// output is standard output. It remembers the first error of a write, because a result that did not get through is none.
type output struct {
	w io.Writer

	mu  sync.Mutex
	err error
}

// Write implements [io.Writer]. After an error nothing more is written.
func (o *output) Write(p []byte) (n int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		n, o.err = o.w.Write(p)
	}
	return n, o.err
}

// failure returns the first error.
func (o *output) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// checkDirectory finds out whether a file can be made in a directory, and the directory if need be. It leaves everything as it was.
func checkDirectory(dir string) error {
	var made []string // deepest first
	for d := filepath.Clean(dir); ; d = filepath.Dir(d) {
		if _, err := os.Stat(d); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		made = append(made, d)
	}
	defer func() {
		for _, d := range made {
			_ = os.Remove(d) // fails if another process has put something there
		}
	}()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".simrun-*.tmp")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// CheckOutput returns why no file could be made in the directory dir, before anything is searched for nothing. The directory need not
// exist, and does not afterwards if it did not.
func CheckOutput(flag, dir string) error {
	if err := checkDirectory(dir); err != nil {
		return Errorf(ExitUsage, "%s: %w", flag, err)
	}
	return nil
}
