package mutate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Exec builds the program of p with the mutant's code, runs it with args (without the
// program's name) in the current directory, and returns its exit code: 128 plus
// the signal if one ended it, -1 if it never ran. The temporary program
// is gone when Exec returns. Safe for concurrent use.
//
// SIGINT, SIGTERM, SIGHUP and SIGQUIT that arrive meanwhile end the build or are
// passed on to the program, which decides what they mean. The end of ctx is
// something else, a deadline: the program gets SIGTERM, is killed five seconds later, and
// the error wraps the cause of ctx. So ctx should not be one that a signal
// ends, or the program hears of the signal twice.
func (p Project) Exec(ctx context.Context, m *Mutant, args []string, stdin io.Reader, stdout, stderr io.Writer) (exitCode int, err error) {
	signals := make(chan os.Signal, 8)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		if !signal.Ignored(s) { // nohup, or a job in the background: it stays ignored
			signal.Notify(signals, s)
		}
	}
	defer signal.Stop(signals)

	building, interrupt := context.WithCancelCause(ctx)
	defer interrupt(nil)
	exitCode = -1
	err = scratch(func(dir string) error {
		program := filepath.Join(dir, "mutant")
		err := during(signals,
			func() error { return p.Build(building, m, program) },
			func(s os.Signal) { interrupt(fmt.Errorf("%w by signal: %v", context.Canceled, s)) })
		if err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, stderr
		exitCode, err = run(ctx, cmd, signals)
		return err
	})
	return exitCode, err
}

// run runs the mutated program and passes signals on to it, if there is a channel of them.
func run(ctx context.Context, cmd *exec.Cmd, signals <-chan os.Signal) (exitCode int, err error) {
	// If this process is killed, its signal handlers do not run; the
	// kernel then kills the program. It watches the thread that started it, hence the lock.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = grace
	if err := cmd.Start(); err != nil {
		return -1, fmt.Errorf("mutate: %w", err)
	}
	err = during(signals, cmd.Wait, func(s os.Signal) {
		if !fromTerminal(s) {
			_ = cmd.Process.Signal(s) // fails only if the program has ended
		}
	})

	exitCode = cmd.ProcessState.ExitCode()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		exitCode = 128 + int(status.Signal())
	}
	var failed *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return exitCode, fmt.Errorf("mutate: run the mutant: %w", context.Cause(ctx))
	case err != nil && !errors.As(err, &failed):
		return exitCode, fmt.Errorf("mutate: run the mutant: %w", err)
	}
	return exitCode, nil
}

// during calls f and hands each signal that arrives before f returns to handle.
func during(signals <-chan os.Signal, f func() error, handle func(os.Signal)) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	for {
		select {
		case s := <-signals:
			handle(s)
		case err := <-done:
			return err
		}
	}
}

// fromTerminal says whether s probably came from the keyboard: then the terminal
// has sent it to every process in the foreground, the program included, and to
// pass it on would make two of one. Go does not tell which process sent a signal, so SIGINT
// and SIGQUIT sent by hand to a process in the foreground are not passed on.
func fromTerminal(s os.Signal) bool {
	if s != os.Interrupt && s != syscall.SIGQUIT {
		return false
	}
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false // no terminal
	}
	defer func() { _ = tty.Close() }()
	foreground, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && foreground == unix.Getpgrp()
}
