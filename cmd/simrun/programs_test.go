package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	osexec "os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"cutthrough/impl"
	"cutthrough/shm/oshost"
)

// programs are what scripts run besides simrun. Each ends with exit code 1 and a message if something goes wrong.
func programs() map[string]func() {
	all := map[string]func(){"simrun": main}
	for name, f := range map[string]func(args []string) error{
		"activate": activate, "flood": flood, "hoard": hoard, "mute": mute, "notified": notified, "pair": pair, "scrape": scrape,
	} {
		all[name] = func() {
			if err := f(os.Args[1:]); err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
				os.Exit(1)
			}
		}
	}
	return all
}

// untilSignal waits for SIGTERM or SIGINT.
func untilSignal() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	<-ctx.Done()
}

// activate runs a command with listening sockets as a service manager does: activate NAME=TYPE:PATH... -- COMMAND ARG...
// TYPE is seqpacket or stream.
func activate(args []string) error {
	var files []*os.File
	var names []string
	for len(args) > 0 && args[0] != "--" {
		name, what, _ := strings.Cut(args[0], "=")
		typ, path, _ := strings.Cut(what, ":")
		fd, err := syscall.Socket(syscall.AF_UNIX, map[string]int{"seqpacket": syscall.SOCK_SEQPACKET, "stream": syscall.SOCK_STREAM, "dgram": syscall.SOCK_DGRAM}[typ]|syscall.SOCK_CLOEXEC, 0)
		if err == nil {
			err = syscall.Bind(fd, &syscall.SockaddrUnix{Name: path})
		}
		if err == nil && typ != "dgram" {
			err = syscall.Listen(fd, 16)
		}
		if err != nil {
			return err
		}
		names, files, args = append(names, name), append(files, os.NewFile(uintptr(fd), path)), args[1:]
	}
	cmd := osexec.Command("sh", append([]string{"-c", `LISTEN_PID=$$ exec "$@"`, "sh"}, args[1:]...)...)
	cmd.Env = append(os.Environ(), "LISTEN_FDS="+strconv.Itoa(len(files)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
	cmd.ExtraFiles, cmd.Stdout, cmd.Stderr = files, os.Stdout, os.Stderr
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Process.Signal(<-signals) }()
	return cmd.Wait()
}

// flood sends what is no message over N connections, one after the other: flood SOCKET N.
func flood(args []string) error {
	n, err := strconv.Atoi(args[1])
	for i := 0; i < n && err == nil; i++ {
		var c net.Conn
		if c, err = net.Dial("unixpacket", args[0]); err == nil {
			_, _ = c.Write([]byte("hello"))
			_, err = c.Read(make([]byte, 1)) // until it is hung up
			if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
				err = nil
			}
			_ = c.Close()
		}
	}
	return err
}

// hoard keeps N connections until a signal comes, and says so in FILE: hoard SOCKET N FILE.
func hoard(args []string) error {
	n, err := strconv.Atoi(args[1])
	for i := 0; i < n && err == nil; i++ {
		var c net.Conn
		if c, err = net.Dial("unixpacket", args[0]); err == nil {
			defer c.Close()
		}
	}
	if err == nil {
		err = os.WriteFile(args[2], nil, 0o600)
	}
	if err == nil {
		untilSignal()
	}
	return err
}

// mute accepts a connection, says so in FILE, and never answers: mute SOCKET FILE.
func mute(args []string) error {
	l, err := net.Listen("unix", args[0])
	if err != nil {
		return err
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			_ = os.WriteFile(args[1], nil, 0o600)
		}
	}()
	untilSignal()
	return nil
}

// notified prints what is sent to the socket of a service manager, until it stops: notified SOCKET.
func notified(args []string) error {
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: args[0], Net: "unixgram"})
	if err != nil {
		return err
	}
	defer c.Close()
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return err
		}
		fmt.Println(string(buf[:n]))
		if strings.Contains(string(buf[:n]), "STOPPING=1") {
			return nil
		}
	}
}

// pair is two applications with a session between them, which ends at a signal: pair SOCKET. A connect of one to where no
// listener is has been refused before.
func pair(args []string) error {
	const end = "tcp://127.0.0.1/80"
	server, err := impl.Attach(oshost.New(), args[0], impl.Options{})
	if err != nil {
		return err
	}
	defer server.Close()
	client, err := impl.Attach(oshost.New(), args[0], impl.Options{})
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := client.Dial(ctx, end); !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("dialled where no listener is: %v", err)
	}
	l, err := server.Listen(end)
	if err != nil {
		return err
	}
	dialled := make(chan error, 1)
	go func() {
		_, err := client.Dial(ctx, end)
		dialled <- err
	}()
	_, err = l.Accept()
	if err := errors.Join(err, <-dialled); err != nil {
		return err
	}
	untilSignal()
	return nil
}

// scrape prints what a metrics socket answers: scrape SOCKET.
func scrape(args []string) error {
	client := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", args[0])
		},
	}, Timeout: time.Minute}
	answer, err := client.Get("http://metrics/metrics")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	_, err = io.Copy(os.Stdout, answer.Body)
	return err
}
