package server_test

import (
	"errors"
	"fmt"
	"log"

	"cutthrough/impl"
	"cutthrough/impl/server"
	"cutthrough/impl/wire"
	"cutthrough/shm"
	"cutthrough/shm/oshost"
)

// A session layer at an abstract address, one application that attaches to it, and what the session layer has.
func Example() {
	host := oshost.New()
	l, err := host.Listen("@cutthrough.example.server")
	if err != nil {
		log.Fatal(err)
	}
	s := server.New(host, l, server.Config{Policy: server.AllowUsers(host.Self().UID)})
	ended := make(chan error)
	go func() { ended <- s.Run() }()
	app, err := impl.Attach(host, "@cutthrough.example.server", impl.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(s.Stat().Apps), "application")
	fmt.Println(app.Close(), s.Close(), <-ended)
	// Output:
	// 1 application
	// <nil> <nil> <nil>
}

// A session layer for the users 1000 and 1001, which no other user may look at.
func ExampleAllowUsers() {
	host := oshost.New()
	l, err := host.Listen("@cutthrough.example.users")
	if err != nil {
		log.Fatal(err)
	}
	s := server.New(host, l, server.Config{})
	fmt.Println(errors.Is(s.Run(), server.ErrNoPolicy), s.Close())

	if l, err = host.Listen("@cutthrough.example.users"); err != nil {
		log.Fatal(err)
	}
	s = server.New(host, l, server.Config{Policy: server.AllowUsers(1000, 1001), MaxUnattached: 64, MaxUserUnattached: 32})
	_, err = s.StatFor(shm.Peer{UID: host.Self().UID + 1})
	fmt.Println(errors.Is(err, wire.Denied), s.Close())
	// Output:
	// true <nil>
	// true <nil>
}
