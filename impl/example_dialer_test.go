package impl_test

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"time"

	"cutthrough/impl"
	"cutthrough/impl/server"
	"cutthrough/shm/oshost"
)

// applications returns two applications that are attached to a session layer of their own, and what ends it all.
func applications() (serves, dials *impl.App, end func()) {
	dir, err := os.MkdirTemp("", "cutthrough")
	if err != nil {
		log.Fatal(err)
	}
	host, addr := oshost.New(), filepath.Join(dir, "session-layer")
	socket, err := host.Listen(addr)
	if err != nil {
		log.Fatal(err)
	}
	layer := server.New(host, socket, server.Config{})
	go layer.Run()
	if serves, err = impl.Attach(host, addr, impl.Options{}); err != nil {
		log.Fatal(err)
	}
	if dials, err = impl.Attach(host, addr, impl.Options{}); err != nil {
		log.Fatal(err)
	}
	return serves, dials, func() {
		_ = dials.Close()
		_ = serves.Close()
		_ = layer.Close()
		_ = os.RemoveAll(dir)
	}
}

// greet answers one line on each connection.
func greet(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		name, _ := bufio.NewReader(c).ReadString('\n')
		fmt.Fprintf(c, "Hello, %s", name)
		_ = c.Close()
	}
}

// say sends a line and returns the answer.
func say(c net.Conn, line string) string {
	defer c.Close()
	fmt.Fprintln(c, line)
	answer, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		log.Fatal(err)
	}
	return answer
}

// grpc.WithContextDialer takes a function of this form.
func ExampleDialer_DialAddress() {
	serves, dials, end := applications()
	defer end()
	l, err := impl.Listen(serves, "unix", "/run/greeter")
	if err != nil {
		log.Fatal(err)
	}
	go greet(l)

	var dial func(ctx context.Context, target string) (net.Conn, error) = impl.Dialer{App: dials}.DialAddress
	c, err := dial(context.Background(), "unix:///run/greeter")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(say(c, "grpc"))
	// Output: Hello, grpc
}

// Drivers of databases take a dialler as an interface, as lib/pq does, or a DialFunc with a network, as pgx does.
func ExampleDialer_Dial() {
	serves, dials, end := applications()
	defer end()
	l, err := impl.Listen(serves, "tcp", "127.0.0.1:0") // a free port
	if err != nil {
		log.Fatal(err)
	}
	go greet(l)

	var driver interface {
		Dial(network, address string) (net.Conn, error)
	} = impl.Dialer{App: dials, Timeout: 5 * time.Second, ReadBuffer: 1 << 20}
	c, err := driver.Dial("tcp", l.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(say(c, "driver"))
	// Output: Hello, driver
}
