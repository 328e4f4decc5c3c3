package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"cutthrough/internal/suites/sessions"
)

// A program is the test binary of a package.
type program struct {
	pkg, file, dir, goroot string

	postgres *postgres
	vars     []string // of the environment, that lead the tests to it; nil: they need none
}

// build builds the tests of a package, whose files are in dir.
func build(ctx context.Context, t tree, pkg, dir, file string) (program, error) {
	p := program{pkg: pkg, file: file, dir: dir, goroot: t.dir}
	_, err := output(ctx, dir, []string{p.env()}, "go", "test", "-c", "-vet=off", "-o", file, ".")
	return p, err
}

// env makes the go command, also that which a test runs, use the tree of Go with sessions.
func (p program) env() string { return "GOROOT=" + p.goroot }

// A result is what the tests of a program did.
type result struct {
	outcomes outcomes
	output   map[string]string // of each test; of the program itself by ""

	forwarded int // connections to PostgreSQL
}

// run runs the tests, over the sessions of the session layer at an address if there is one.
func (p program) run(ctx context.Context, layer string, limit time.Duration, args ...string) (r result, err error) {
	if p.vars == nil {
		return p.runWith(ctx, nil, layer, limit, args)
	}
	f, err := forward(layer, p.postgres.socket())
	if err != nil {
		return result{}, err
	}
	vars, err := f.expand(p.vars)
	if err == nil {
		r, err = p.runWith(ctx, vars, layer, limit, args)
	}
	err = errors.Join(err, f.stop())
	r.forwarded = f.taken
	return r, err
}

// runWith is run with more environment variables.
func (p program) runWith(ctx context.Context, vars []string, layer string, limit time.Duration, args []string) (result, error) {
	args = append([]string{"tool", "test2json", "-p", p.pkg, p.file, "-test.v=test2json", "-test.timeout=" + limit.String()}, args...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = p.dir
	cmd.Env = append(append(cmd.Environ(), p.env(), sessions.Layer+"="+layer), vars...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with the tests and their children
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second // of children that have inherited the output
	events, err := cmd.StdoutPipe()
	if err != nil {
		return result{}, err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return result{}, err
	}
	r, err := read(events)
	if failed := cmd.Wait(); err == nil && !errors.As(failed, new(*exec.ExitError)) { // which the outcomes tell
		err = failed
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return r, err
}

// read reads what test2json writes.
func read(events io.Reader) (result, error) {
	r := result{outcomes: outcomes{}, output: map[string]string{}}
	lines := bufio.NewScanner(events)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e struct{ Action, Test, Output string }
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			e.Action, e.Output = "output", lines.Text()+"\n" // of the go command
		}
		switch {
		case e.Action == "output":
			r.output[e.Test] += e.Output
		case e.Test == "": // the program itself
		case e.Action == "run":
			r.outcomes[e.Test] = endless
		case e.Action == "pass" || e.Action == "fail" || e.Action == "skip":
			r.outcomes[e.Test] = outcome(e.Action)
		}
	}
	return r, lines.Err()
}

// source returns the directory of the files of a suite, of which it makes a copy in dir unless they are Go's.
func (s suite) source(ctx context.Context, t tree, dir string) (string, error) {
	if s.module == "" {
		return filepath.Join(t.dir, "src", s.pkg), nil
	}
	text, err := output(ctx, dir, nil, "go", "mod", "download", "-json", s.module)
	if err != nil {
		return "", err
	}
	var module struct{ Path, Dir string }
	if err := json.Unmarshal([]byte(text), &module); err != nil {
		return "", err
	}
	own, err := copyTree(filepath.Join(dir, "module"), module.Dir)
	if err != nil {
		return "", err
	}
	defer own.own.Close()
	if err := own.edit(s.edits); err != nil {
		return "", err
	}
	below, err := filepath.Rel(module.Path, s.pkg)
	if err != nil {
		return "", fmt.Errorf("%s is not in %s: %w", s.pkg, s.module, err)
	}
	return filepath.Join(own.dir, below), nil
}
