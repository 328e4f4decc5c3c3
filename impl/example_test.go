package impl_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"

	"cutthrough/impl"
	"cutthrough/impl/server"
	"cutthrough/shm/oshost"
)

// A session layer and two applications; here they are in one process, and each could be
// in its own. One serves HTTP, the other is its client: neither net/http nor the
// handler can tell sessions from TCP connections.
func Example() {
	dir, err := os.MkdirTemp("", "cutthrough")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	addr := filepath.Join(dir, "session-layer")

	// The session layer.
	host := oshost.New()
	socket, err := host.Listen(addr)
	if err != nil {
		log.Fatal(err)
	}
	layer := server.New(host, socket, server.Config{Policy: server.AllowUsers(host.Self().UID)})
	go layer.Run()
	defer layer.Close()

	// The server.
	server, err := impl.Attach(host, addr, impl.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	l, err := impl.Listen(server, "tcp", "shared.memory:80")
	if err != nil {
		log.Fatal(err)
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "You have reached %s, %s.\n", r.Host, r.URL.Path)
	}))

	// The client.
	client, err := impl.Attach(host, addr, impl.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	transport := &http.Transport{DialContext: impl.Dialer{App: client}.DialContext}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get("http://shared.memory/hello")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	if _, err := io.Copy(os.Stdout, resp.Body); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 200 OK
	// You have reached shared.memory, /hello.
}
