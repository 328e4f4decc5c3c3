package trace

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ReadFile reads the trace in a regular file. Every error is an [*Error]; it
// reads no more than [MaxFile] bytes, however large the file is.
func ReadFile(path string) (*Trace, error) {
	data, err := readRegular(path)
	if err != nil {
		return nil, &Error{path, 0, cause(err)}
	}
	return Parse(path, data)
}

func readRegular(path string) ([]byte, error) {
	// Without O_NONBLOCK, opening a named pipe would wait for a writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	return io.ReadAll(io.LimitReader(f, MaxFile+1))
}

// WriteFile writes t in canonical form to a new file, whole or not at all: no
// reader ever sees a part of it, and a crash leaves at most a file named
// .simtrace-*.tmp next to it. When path exists the error wraps [fs.ErrExist] and
// the file there is untouched; of several concurrent calls exactly one wins. The
// file system must have hard links.
func WriteFile(path string, t *Trace) error {
	return writeFile(path, t, func(temporary string) error {
		// Unlike a rename, a link fails when the path exists.
		if err := os.Link(temporary, path); err != nil {
			return err
		}
		os.Remove(temporary) // the trace is in place: a second name for it is no failure
		return nil
	})
}

// ReplaceFile is like [WriteFile] but replaces the file at path if there is one.
// A symbolic link is itself replaced, not what it points to.
func ReplaceFile(path string, t *Trace) error {
	return writeFile(path, t, func(temporary string) error { return os.Rename(temporary, path) })
}

func writeFile(path string, t *Trace, publish func(temporary string) error) error {
	text, err := t.encode()
	if err != nil {
		return fmt.Errorf("trace: write %s: %w", display(path), err)
	}
	temporary, err := writeTemporary(filepath.Dir(path), text)
	if err == nil {
		if err = publish(temporary); err != nil {
			os.Remove(temporary)
		}
	}
	if err != nil {
		return fmt.Errorf("trace: write %s: %w", display(path), cause(err))
	}
	return nil
}

// writeTemporary writes text to a new file in dir, through to the disk, and
// returns its path. It leaves nothing behind when it fails.
func writeTemporary(dir string, text []byte) (path string, err error) {
	f, err := os.CreateTemp(dir, ".simtrace-*.tmp")
	if err != nil {
		return "", err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Chmod(0o644) // CreateTemp keeps its file private, a trace is public
	}
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// cause strips from an error of package os the paths in it: they are not
// quoted, and the caller names the one that matters.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}
