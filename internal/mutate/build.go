package mutate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// grace is how long a process that was asked to end may take before it is killed.
const grace = 5 * time.Second

// Build compiles package pkg (as the go command names it, seen from root) with the
// mutant's code and writes the program to out, which does not exist after an
// error. The result depends on the source and the patch only, not on
// where anything lies. ErrBuild carries the compiler's messages; see [Overlay]
// for the other errors. When ctx ends the compilers are interrupted and
// the error wraps its cause. They are in a process group of their own, so the
// interrupt key of a terminal reaches them only by way of ctx. Safe for
// concurrent use with different outs.
//
// Nothing is cached here: the go command caches the packages, so that a mutant
// costs one package and one link, about half a second.
func Build(ctx context.Context, root string, m *Mutant, pkg, out string) (err error) {
	if root, err = resolve(root); err != nil {
		return err
	}
	if out, err = filepath.Abs(out); err != nil {
		return fmt.Errorf("mutate: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(out) // mostly not there
		}
	}()
	return scratch(func(dir string) error {
		overlay, err := Overlay(root, m, dir)
		if err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-overlay="+overlay, "-o", out, "--", pkg)
		cmd.Dir = root
		// The go command's own scratch files go where they are removed in any case.
		cmd.Env = append(cmd.Environ(), "GOTMPDIR="+dir)
		// The go command waits for its compilers, so all of them get the signal.
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
		cmd.WaitDelay = grace
		text, err := cmd.CombinedOutput()
		if err == nil {
			return nil
		}
		var failed *exec.ExitError
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("mutate: build %s: %w", m.Path, context.Cause(ctx))
		case !errors.As(err, &failed):
			return fmt.Errorf("mutate: run the go command: %w", err)
		}
		return fmt.Errorf("mutate: %s: %w:\n%s", m.Path, ErrBuild, namedAsSource(string(text), root, dir))
	})
}

// scratch hands use a new temporary directory, free of symbolic links, and
// removes it when use returns.
func scratch(use func(dir string) error) (err error) {
	made, err := os.MkdirTemp("", "cutthrough-mutant-")
	if err != nil {
		return fmt.Errorf("mutate: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(made)) }()
	dir, err := resolve(made)
	if err != nil {
		return err
	}
	return use(dir)
}

// namedAsSource gives mutated files the names of their originals in the messages
// of the go command, which shows them by the absolute or the relative path
// of the copy, whichever is shorter.
func namedAsSource(text, root, dir string) string {
	tree := filepath.Join(dir, patched)
	if relative, err := filepath.Rel(root, tree); err == nil {
		text = strings.ReplaceAll(text, relative+"/", "")
	}
	return strings.TrimSpace(strings.ReplaceAll(text, tree+"/", ""))
}

// command is the package that [Exec] and [Batch] build.
const command = "./cmd/simrun"

// Batch builds simrun with each mutant's code in turn and calls use with the
// program, which is removed when use returns. Up to jobs mutants (at least
// one) are in work at the same time, so use must be safe for concurrent calls. The
// result has one entry per mutant, in order: the error of [Build], else that of use.
func Batch(ctx context.Context, root string, ms []*Mutant, jobs int, use func(m *Mutant, program string) error) []error {
	errs := make([]error, len(ms))
	slots := make(chan struct{}, max(jobs, 1))
	var wg sync.WaitGroup
	for i, m := range ms {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = scratch(func(dir string) error {
				program := filepath.Join(dir, "simrun")
				if err := Build(ctx, root, m, command, program); err != nil {
					return err
				}
				return use(m, program)
			})
		})
	}
	wg.Wait()
	return errs
}
