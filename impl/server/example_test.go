package server_test

import (
	"fmt"
	"log"

	"cutthrough/impl"
	"cutthrough/impl/server"
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
