package main

import (
	"errors"
	"regexp"
)

// A suite is the tests of one package.
type suite struct {
	pkg    string
	module string // path@version; none: Go's own
	edits  []edit // in the files of the module, or of Go
	// postgres are environment variables that lead the tests to the PostgreSQL server at ${host} and ${port}; nil: they
	// need none.
	postgres []string
}

// suites are run in this order.
var suites = []suite{
	{pkg: "net/http", edits: []edit{
		{"src/net/http/serve_test.go", "(*net.TCPConn).CloseWrite()", "(net.HalfConn).CloseWrite()"},
		// An application has a task, which is no leak.
		{"src/net/http/main_test.go", `strings.Contains(stack, "os/signal.signal_recv") ||`,
			`strings.Contains(stack, "os/signal.signal_recv") || strings.Contains(stack, "impl.(*App).runControl") ||`},
	}},
	{pkg: "crypto/tls"},
	{pkg: "net/http/httptest"},
	{pkg: "net/http/httputil", edits: []edit{
		{"src/net/http/httputil/reverseproxy_test.go", "*net.TCPConn", "net.HalfConn"},
		{"src/net/http/httputil/reverseproxy_test.go", `net.DialTCP("tcp", nil, addr)`, "net.DialHalf(addr)"},
	}},
	{pkg: "net/rpc", edits: []edit{
		{"src/net/rpc/server_test.go", "*net.TCPConn", "net.HalfConn"},
	}},
	{pkg: "net/smtp"},
	{pkg: "github.com/hashicorp/yamux", module: "github.com/hashicorp/yamux@v0.1.2", edits: []edit{
		{"session_test.go", `net.ListenTCP("tcp", nil)`, `net.Listen("tcp", "127.0.0.1:0")`},
	}},
	{pkg: "github.com/containerd/ttrpc", module: "github.com/containerd/ttrpc@v1.2.7"},
	{pkg: "google.golang.org/grpc/internal/transport", module: grpc, edits: grpcEdits},
	{pkg: "google.golang.org/grpc/test", module: grpc, edits: grpcEdits},
	{pkg: "github.com/lib/pq", module: "github.com/lib/pq@v1.12.3", postgres: pqVars, edits: []edit{
		// Among parallel tests PostgreSQL takes longer to fork a process that answers, and to begin a query that can be
		// cancelled.
		{"notify_test.go", "time.After(100 * time.Millisecond)", "time.After(2 * time.Second)"},
		{"conn_test.go", "context.Background(), 50*time.Millisecond)", "context.Background(), time.Second/2)"},
		{"conn_test.go", "time.AfterFunc(time.Millisecond*10, cancel)", "time.AfterFunc(time.Second/2, cancel)"},
		{"issues_test.go", "ctxTimeout := time.Millisecond * 50", "ctxTimeout := time.Second / 2"},
	}},
	{pkg: "github.com/jackc/pgx/v5/pgconn", module: pgx, postgres: pgxVars, edits: []edit{
		{"pgconn/pgconn_test.go", "(*net.TCPConn).CloseWrite()", "(net.HalfConn).CloseWrite()"},
		// The name of a subtest must not have that of a temporary directory.
		{"pgconn/sslcertmode_test.go", "t.Run(tc.connString,", "t.Run(filepath.Base(tc.connString),"},
	}},
	{pkg: "github.com/jackc/pgx/v5", module: pgx, postgres: pgxVars},
	{pkg: "github.com/jackc/pgx/v5/pgxpool", module: pgx, postgres: pgxVars},
	{pkg: "github.com/jackc/pgx/v5/stdlib", module: pgx, postgres: pgxVars},
	{pkg: "github.com/jackc/pgx/v5/pgtype", module: pgx, postgres: pgxVars},
}

const grpc = "google.golang.org/grpc@v1.77.0"

var grpcEdits = []edit{
	{"internal/leakcheck/leakcheck.go", `"created by net/http.(*Transport).dialConn",`, `"created by net/http.(*Transport).dialConn", "impl.(*App).runControl",`},
}

const pgx = "github.com/jackc/pgx/v5@v5.13.0"

const pgxServer = "host=${host} port=${port} dbname=pgx_test sslmode=disable password=secret user="

var (
	pgxVars = []string{
		"PGX_TEST_DATABASE=" + pgxServer + "pgx_md5",
		"PGX_TEST_TCP_CONN_STRING=" + pgxServer + "pgx_md5",
		"PGX_TEST_MD5_PASSWORD_CONN_STRING=" + pgxServer + "pgx_md5",
		"PGX_TEST_PLAIN_PASSWORD_CONN_STRING=" + pgxServer + "pgx_pw",
		"PGX_TEST_SCRAM_PASSWORD_CONN_STRING=" + pgxServer + "pgx_scram",
	}
	pqVars = []string{"PGHOST=${host}", "PGPORT=${port}", "PGDATABASE=pqgo", "PGSSLMODE=disable", "PGUSER=pqgo"}
)

// choose returns the suites whose packages match only, and not skip if there is one.
func choose(all []suite, only, skip string) ([]suite, error) {
	run, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	out, err := regexp.Compile(skip)
	if err != nil {
		return nil, err
	}
	var chosen []suite
	for _, s := range all {
		if run.MatchString(s.pkg) && (skip == "" || !out.MatchString(s.pkg)) {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) == 0 {
		return nil, errors.New("no suite is of a package that -run and -skip leave")
	}
	return chosen, nil
}
