package check

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// SaveFile writes a checkpoint to a file. The file is replaced in one step once
// the new one is safely on disk; if that fails the old one is left alone.
func (s *Search[S]) SaveFile(name string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".tmp*")
	if err != nil {
		return fmt.Errorf("check: create checkpoint: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	if err := s.Save(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("check: sync checkpoint: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("check: close checkpoint: %w", err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return fmt.Errorf("check: replace checkpoint: %w", err)
	}
	return nil
}

// LoadFile is [Load] from a file.
func LoadFile[S comparable](name string, m Model[S], o Options) (*Search[S], error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("check: open checkpoint: %w", err)
	}
	s, err := Load(bufio.NewReader(f), m, o)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}
