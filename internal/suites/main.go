// Command suites runs test suites of other projects over sessions: those of the standard library and of modules that
// have one. Each suite runs twice, over sockets and over sessions. A test that ends otherwise over sessions
// must be in the list of differences, with the reason, and what is there must differ, unless it says "sometimes".
//
//	go run ./internal/suites [-run REGEXP] [-skip REGEXP] [-timeout 10m]
//
// The tests are as they are, but for a few edits: package net, in a tree of Go of the command's own, makes sessions in
// place of sockets of tcp and unix. Drivers of PostgreSQL reach a real server through a forwarder between sessions and
// the server's unix socket. The exit code is 1 if a test differs and is not listed, is listed and does not
// differ, if a suite has made no session, or if it could not run. It needs Linux, the network for the modules, and
// PostgreSQL for its drivers; -skip says that a suite is not wanted.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

//go:embed differences.txt
var differences string

func main() {
	only := flag.String("run", "", "run the suites of packages that match the `regexp`")
	skip := flag.String("skip", "", "leave out the suites of packages that match the `regexp`")
	limit := flag.Duration("timeout", 10*time.Minute, "of one run of a suite")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, *only, *skip, *limit); err != nil {
		fmt.Fprintln(os.Stderr, "suites:", err)
		os.Exit(1)
	}
}

// run runs the suites whose packages match only and not skip.
func run(ctx context.Context, only, skip string, limit time.Duration) (err error) {
	wanted, err := choose(suites, only, skip)
	if err != nil {
		return err
	}
	list, err := parseDifferences(differences)
	if err != nil {
		return fmt.Errorf("differences.txt: %w", err)
	}
	dir, err := os.MkdirTemp("", "suites-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	layer, err := startLayer(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, layer.stop()) }()
	var edits []edit
	for _, s := range suites {
		if s.module == "" {
			edits = append(edits, s.edits...)
		}
	}
	t, err := newGo(ctx, filepath.Join(dir, "go"), edits)
	if err != nil {
		return err
	}
	defer t.own.Close()
	r := &runner{goroot: t, layer: layer, list: list, limit: limit}
	defer func() { err = errors.Join(err, r.stop()) }()
	for i, s := range wanted {
		if failed := r.suite(ctx, s, filepath.Join(dir, fmt.Sprint(i))); failed != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", s.pkg, failed))
		}
	}
	return err
}

// A runner runs suites, one at a time.
type runner struct {
	goroot   tree
	layer    *sessionLayer
	list     []difference
	limit    time.Duration // of one run
	postgres *postgres     // since the first suite that needs it
}

// stop stops what suites have needed.
func (r *runner) stop() error {
	if r.postgres == nil {
		return nil
	}
	return r.postgres.stop()
}

// needs starts what a suite needs.
func (r *runner) needs(ctx context.Context, s suite) (err error) {
	if s.postgres != nil && r.postgres == nil {
		fmt.Printf("%s: starting PostgreSQL\n", s.pkg)
		r.postgres, err = startPostgres(ctx)
	}
	return err
}

// suite runs a suite over sockets and over sessions and says how they differ. It may write in dir, which it makes.
func (r *runner) suite(ctx context.Context, s suite, dir string) error {
	if err := r.needs(ctx, s); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	fmt.Printf("%s: building\n", s.pkg)
	from, err := s.source(ctx, r.goroot, dir)
	if err != nil {
		return err
	}
	p, err := build(ctx, r.goroot, s.pkg, from, filepath.Join(dir, "test"))
	if err != nil {
		return err
	}
	p.postgres, p.vars = r.postgres, s.postgres
	fmt.Printf("%s: over sockets\n", s.pkg)
	sockets, err := p.run(ctx, "", r.limit)
	if err == nil {
		err = sockets.outcomes.basis()
	}
	if err != nil {
		return err
	}
	fmt.Printf("%s: over sessions\n", s.pkg)
	listed, always := r.listed(s.pkg)
	began, before := time.Now(), r.layer.sessions.Load()
	over, err := p.run(ctx, r.layer.addr, r.limit, "-test.skip="+pattern(listed))
	if err != nil {
		return err
	}
	made := r.layer.sessions.Load() - before
	failed := report(sockets.outcomes.without(listed), over)
	if made == 0 {
		failed = errors.Join(failed, errors.New("no session was made"))
	}
	if s.postgres != nil {
		fmt.Printf("%s: %d connections to PostgreSQL over sessions; %d over sockets\n", s.pkg, over.forwarded, sockets.forwarded)
		if over.forwarded == 0 {
			failed = errors.Join(failed, errors.New("no session reached PostgreSQL"))
		}
	}
	fmt.Printf("%s: %d of %d tests were good over %d sessions in %.0f s; %d of %d over sockets\n", s.pkg, over.outcomes.count(outcome.good),
		len(over.outcomes), made, time.Since(began).Seconds(), sockets.outcomes.count(outcome.good), len(sockets.outcomes))
	if len(always) > 0 {
		fmt.Printf("%s: %d tests that are known to differ, one by one\n", s.pkg, len(always))
	}
	return errors.Join(failed, r.confirm(ctx, p, sockets.outcomes, always))
}

// listed returns the tests of a package that are known to differ, and those of them that always do.
func (r *runner) listed(pkg string) (listed, always []string) {
	for _, d := range r.list {
		if d.pkg == pkg {
			listed = append(listed, d.test)
			if !d.sometimes {
				always = append(always, d.test)
			}
		}
	}
	return listed, always
}

// report prints the tests that differ. Those that did not end because the process did are a number only.
func report(sockets outcomes, over result) error {
	differ := compare(sockets, over.outcomes)
	unended := len(differ)
	differ = slices.DeleteFunc(differ, func(test string) bool { return !over.outcomes[test].ended() })
	unended -= len(differ)
	for _, test := range differ {
		fmt.Printf("%s: %s over sockets, %s over sessions\n%s", test, sockets[test], over.outcomes[test], over.output[test])
	}
	var err error
	if len(differ) > 0 {
		err = fmt.Errorf("%d tests differ that are not listed: %s", len(differ), strings.Join(differ, " "))
	}
	if unended > 0 {
		tail := over.output[""]
		fmt.Println(tail[max(0, len(tail)-4096):])
		err = errors.Join(err, fmt.Errorf("the process ended before %d tests", unended))
	}
	return err
}

// confirm runs each test that is known to differ, in a process of its own because it may end it, and returns an error
// if one does not differ.
func (r *runner) confirm(ctx context.Context, p program, sockets outcomes, listed []string) (err error) {
	for _, test := range listed {
		over, failed := p.run(ctx, r.layer.addr, 20*time.Second, "-test.run="+pattern([]string{test}))
		if failed != nil {
			return failed
		}
		err = errors.Join(err, stale(test, sockets, over.outcomes))
	}
	return err
}
