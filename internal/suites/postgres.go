package main

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// databases makes the databases and users that tests expect.
//
//go:embed postgres.sql
var databases string

// access is the pg_hba.conf: how users prove what they claim. PostgreSQL has TLS over TCP alone, and here there is none.
const access = `local all pqgomd5,pgx_md5 md5
local all pqgoscram,pgx_scram scram-sha-256
local all pqgopassword,pgx_pw password
local all pqgossl,pqgosslcert reject
local all all trust
`

// errNoPostgres is the reason to leave out a suite.
var errNoPostgres = errors.New("left out: no PostgreSQL server is installed; " +
	"apt-get install postgresql, or put initdb, postgres and psql into PATH, or leave it out yourself: -skip 'lib/pq|pgx'")

// A postgres is a PostgreSQL server that listens at a unix socket only.
type postgres struct {
	bin, dir string // of its programs; of its files, for which it is also the working directory
	as       *syscall.SysProcAttr
	cmd      *exec.Cmd // the server
}

// startPostgres starts a server with the databases, which are gone when it stops.
func startPostgres(ctx context.Context) (*postgres, error) {
	bin, err := findPostgres("/usr/lib/postgresql")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "suites-pg-")
	if err != nil {
		return nil, err
	}
	p := &postgres{bin: bin, dir: dir, as: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGQUIT}}
	if err := p.start(ctx); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// start makes the files of the server, starts it and makes the databases.
func (p *postgres) start(ctx context.Context) error {
	if err := p.own(); err != nil {
		return err
	}
	if err := p.run(ctx, "", "initdb", "--no-sync", "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(p.dir, "data/pg_hba.conf"), []byte(access), 0o600); err != nil { // keeps its owner
		return err
	}
	if err := p.serve(ctx); err != nil {
		return err
	}
	return p.run(ctx, databases, "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", p.dir, "-p", "5432", "-U", "postgres", "-d", "postgres")
}

// findPostgres returns the directory with the programs of PostgreSQL: that of PATH, or the newest one of a Debian, which
// has bin for each version below debian.
func findPostgres(debian string) (string, error) {
	if initdb, err := exec.LookPath("initdb"); err == nil {
		real, err := filepath.EvalSymlinks(initdb)
		return filepath.Dir(real), err
	}
	found, err := filepath.Glob(filepath.Join(debian, "*/bin/initdb"))
	if err != nil || len(found) == 0 {
		return "", errors.Join(errNoPostgres, err)
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // of 9.6 and older it is 0
		return n
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })), nil
}

// own gives the directory to the user that the programs run as: PostgreSQL does not run as root.
func (p *postgres) own() error {
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return fmt.Errorf("PostgreSQL does not run as root: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return err
	}
	p.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(p.dir, int(uid), int(gid))
}

// command is a program of PostgreSQL. It ends with ctx, in order: a server that is killed leaves shared memory behind.
func (p *postgres) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, name), args...)
	cmd.Dir, cmd.SysProcAttr = p.dir, p.as
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGQUIT) }
	return cmd
}

// run runs a program to its end.
func (p *postgres) run(ctx context.Context, input, name string, args ...string) error {
	cmd := p.command(ctx, name, args...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// serve starts the server and returns when it takes connections.
func (p *postgres) serve(ctx context.Context) error {
	cmd := p.command(ctx, "postgres", "-D", "data", "-k", p.dir, "-p", "5432", "-F", "-c", "listen_addresses=")
	log, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd = cmd
	var said strings.Builder
	for lines := bufio.NewScanner(log); lines.Scan(); {
		if strings.HasSuffix(lines.Text(), "database system is ready to accept connections") {
			go io.Copy(io.Discard, log)
			return nil
		}
		fmt.Fprintln(&said, lines.Text())
	}
	return fmt.Errorf("PostgreSQL does not start: %s", &said)
}

// socket is where the server listens.
func (p *postgres) socket() string { return filepath.Join(p.dir, ".s.PGSQL.5432") }

// stop ends the server, and with it its databases.
func (p *postgres) stop() error {
	if p.cmd != nil {
		_ = p.cmd.Cancel() // an error: it has ended
		_ = p.cmd.Wait()   // how it ends after that is of no interest
	}
	return os.RemoveAll(p.dir)
}
