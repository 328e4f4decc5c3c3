package main

// A suite is the tests of one package.
type suite struct {
	pkg    string
	module string // path@version; none: Go's own
	edits  []edit // in the files of the module, or of Go
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
}

const grpc = "google.golang.org/grpc@v1.77.0"

var grpcEdits = []edit{
	{"internal/leakcheck/leakcheck.go", `"created by net/http.(*Transport).dialConn",`, `"created by net/http.(*Transport).dialConn", "impl.(*App).runControl",`},
}
