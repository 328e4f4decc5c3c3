// Package proctest is for tests with several processes and tasks: what they wait for, what they hold, and how they
// run their own binary again, as agents that do what their parent asks for over net/rpc, on standard input and output.
// What an agent prints is an error of the test, it ends when its input does, and with the test at the latest.
package proctest

import (
	"fmt"
	"io"
	"net/rpc"
	"os"
	"os/exec"
	"testing"
	"time"
)

// env says to a process that it is an agent.
const env = "CUTTHROUGH_TEST_AGENT"

// Here says whether this process is an agent: TestMain calls Serve then.
func Here() bool { return os.Getenv(env) != "" }

// Serve serves the methods of receiver, whose type is called Agent, to the parent, and ends the process
// with its input.
func Serve(receiver any) {
	s := rpc.NewServer()
	if err := s.Register(receiver); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s.ServeConn(duplex{os.Stdin, os.Stdout})
	os.Exit(0)
}

// duplex is a connection of two pipes.
type duplex struct {
	io.Reader
	io.WriteCloser
}

// Process is a running agent. One goroutine at a time may use it, but for Begin.
type Process struct {
	t       testing.TB
	cmd     *exec.Cmd
	rpc     *rpc.Client
	stopped bool
	gone    bool
}

// complaints makes what an agent prints an error of the test.
type complaints struct{ testing.TB }

func (c complaints) Write(b []byte) (int, error) {
	c.Errorf("agent: %s", b)
	return len(b), nil
}

// Start starts an agent.
func Start(t testing.TB) *Process {
	t.Helper()
	p := &Process{t: t, cmd: exec.Command(os.Args[0])}
	// Under the race detector a process sleeps a second before it exits.
	p.cmd.Env = append(os.Environ(), env+"=1", "GORACE=atexit_sleep_ms=0")
	p.cmd.Stderr = complaints{t}
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.rpc = rpc.NewClient(duplex{out, in})
	t.Cleanup(p.End)
	return p
}

// Gone says whether the agent has ended, or is about to.
func (p *Process) Gone() bool { return p.gone }

// Idle says whether the agent has ended or is stopped.
func (p *Process) Idle() bool { return p.gone || p.stopped }

// End ends an agent that is still there.
func (p *Process) End() {
	if p.gone {
		return
	}
	p.gone = true
	_ = p.rpc.Close()
	timer := time.AfterFunc(Liveness, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("agent: %v", err)
	}
}

// Call has the agent do something and returns the result. An error of the agent ends the test.
func Call[R any](p *Process, method string, args any) R {
	p.t.Helper()
	r, err := Try[R](p, method, args)
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// Try is Call that returns the error, which only its text is left of. An agent that takes longer than
// Liveness prints its stacks and is gone.
func Try[R any](p *Process, method string, args any) (R, error) {
	return Begin[R](p, method, args)()
}

// Begin is Try in two halves. Agents do several things at a time.
func Begin[R any](p *Process, method string, args any) (wait func() (R, error)) {
	var r R
	call := p.rpc.Go("Agent."+method, args, &r, make(chan *rpc.Call, 1))
	return func() (R, error) {
		timer := time.NewTimer(Liveness)
		defer timer.Stop()
		select {
		case <-call.Done:
			if call.Error != nil {
				return r, fmt.Errorf("agent: %s %+v: %w", method, args, call.Error)
			}
			return r, nil
		case <-timer.C:
			p.abort()
			return r, fmt.Errorf("agent: %s %+v takes too long", method, args)
		}
	}
}
