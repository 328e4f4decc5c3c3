// A stand-in for simrun. The tests put it into a small module of the same shape.
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"cutthrough/shm"
)

func main() {
	switch os.Args[1] {
	case "greet":
		fmt.Println(shm.Greeting())
	case "copy": // stdin to stdout, the other arguments to stderr, exit code 7
		io.Copy(os.Stdout, os.Stdin)
		fmt.Fprintf(os.Stderr, "%q", os.Args[2:])
		os.Exit(7)
	case "die":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "signals": // report them; SIGTERM ends it
		signals := make(chan os.Signal, 8)
		signal.Notify(signals, os.Interrupt, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGTERM)
		fmt.Println("ready")
		for s := range signals {
			fmt.Println(s)
			if s == syscall.SIGTERM {
				os.Exit(3)
			}
		}
	}
}
