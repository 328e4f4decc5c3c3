package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"

	"cutthrough/impl"
	"cutthrough/shm/oshost"
)

// A forwarder takes connections of TCP or sessions, and copies between each and a connection of its own to a unix socket.
type forwarder struct {
	net.Listener
	app   *impl.App // nil: TCP
	end   context.CancelFunc
	ended sync.WaitGroup
	taken int // connections, when it has stopped
}

// forward starts a forwarder to the socket at a path. It listens for sessions of the session layer at an address if there
// is one, and there is no other way to the socket then.
func forward(layer, path string) (*forwarder, error) {
	ctx, end := context.WithCancel(context.Background())
	f := &forwarder{end: end}
	var err error
	if layer == "" {
		f.Listener, err = net.Listen("tcp", "127.0.0.1:0")
	} else if f.app, err = impl.Attach(oshost.New(), layer, impl.Options{}); err == nil {
		f.Listener, err = impl.ListenConfig{App: f.app}.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, errors.Join(err, f.detach())
	}
	f.ended.Go(func() {
		for {
			c, err := f.Accept()
			if err != nil {
				return
			}
			f.taken++
			f.ended.Go(func() { join(ctx, c, path) })
		}
	})
	return f, nil
}

// join copies until the server ends the connection, or ctx ends. An end of the client is passed on, which is for the
// server to judge.
func join(ctx context.Context, client net.Conn, path string) {
	defer client.Close()
	server, err := net.Dial("unix", path)
	if err != nil {
		return // the client sees that its connection ends
	}
	defer server.Close()
	defer context.AfterFunc(ctx, func() { client.Close(); server.Close() })()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.(*net.UnixConn).CloseWrite()
	}()
	_, _ = io.Copy(client, server)
}

// stop ends all connections and returns when that is done.
func (f *forwarder) stop() error {
	f.end()
	err := f.Close()
	f.ended.Wait()
	return errors.Join(err, f.detach())
}

func (f *forwarder) detach() error {
	if f.app == nil {
		return nil
	}
	return f.app.Close()
}

// expand puts the address of the forwarder in place of ${host} and ${port}.
func (f *forwarder) expand(vars []string) (expanded []string, err error) {
	host, port, err := net.SplitHostPort(f.Addr().String())
	for _, v := range vars {
		expanded = append(expanded, os.Expand(v, func(name string) string { return map[string]string{"host": host, "port": port}[name] }))
	}
	return expanded, err
}
