package mutate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// grace is how long a process that was asked to end may take before it is killed.
const grace = 5 * time.Second

// Build compiles the program of p with the mutant's code and writes it to out, which
// does not exist after an error. The result depends on the source and the
// patch only, not on where anything lies. ErrBuild carries the compiler's
// messages; see [Project.Overlay] for the other errors. When ctx ends the compilers are
// interrupted and the error wraps its cause. They are in a process group of
// their own, so the interrupt key of a terminal reaches them only by way of ctx. Safe
// for concurrent use with different outs.
func (p Project) Build(ctx context.Context, m *Mutant, out string) error {
	root, err := resolve(p.Root)
	if err != nil {
		return err
	}
	edits, err := apply(ctx, root, m)
	if err == nil {
		err = p.compile(ctx, root, mutated(edits), out)
	}
	if err != nil {
		_ = os.Remove(out) // mostly not there
	}
	if errors.Is(err, ErrBuild) {
		return fmt.Errorf("mutate: %s: %w", m.Path, err)
	}
	return err
}

// compile builds the program of p with files, named relative to root, in place of
// those below root, or in addition to them. Afterwards nothing is left but out.
func (p Project) compile(ctx context.Context, root string, files map[string]string, out string) error {
	out, err := filepath.Abs(out)
	if err != nil {
		return fmt.Errorf("mutate: %w", err)
	}
	return scratch(func(dir string) error {
		overlay, err := writeOverlay(root, dir, files)
		if err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, "go", p.arguments(overlay, out)...)
		cmd.Dir = root
		// The go command's own scratch files go where they are removed in any case.
		cmd.Env = append(cmd.Environ(), "GOTMPDIR="+dir)
		// The go command waits for its compilers, so all of them get the signal.
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
		cmd.WaitDelay = grace
		text, err := cmd.CombinedOutput()
		var failed *exec.ExitError
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("mutate: build %s: %w", p.Command, context.Cause(ctx))
		case !errors.As(err, &failed):
			return fmt.Errorf("mutate: run the go command: %w", err)
		}
		return fmt.Errorf("%w:\n%s", ErrBuild, namedAsSource(string(text), root, dir))
	})
}

// arguments returns those of the go command that builds the program of p. Go run keeps the programs that it
// links in the build cache, under a key of all that goes into them, and go build does not: so cp is what it runs. There
// is no such cache of tests.
func (p Project) arguments(overlay, out string) []string {
	// Without DWARF a program is linked in half the time; stacks of panics do not need it.
	flags := []string{"-trimpath", "-buildvcs=false", "-ldflags=-w", "-overlay=" + overlay}
	if p.Tests {
		return slices.Concat([]string{"test", "-c"}, flags, []string{"-o", out, p.Command}) // it takes no --
	}
	return slices.Concat([]string{"run", "-exec=cp"}, flags, []string{"--", p.Command, out})
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
