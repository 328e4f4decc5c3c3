package campaign

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/rpc"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"cutthrough/cmd/simrun/internal/campaign/agent"
)

// agentCommand is the command of the processes that a campaign starts.
const agentCommand = "agent"

const (
	patience = 30 * time.Second     // for what a process is asked, on a busy machine
	interval = 2 * time.Millisecond // between attempts
)

// crew starts the processes of a campaign. All of them end with ctx, with end, and with this process.
type crew struct {
	ctx context.Context

	mu     sync.Mutex
	living map[*process]bool
}

// process is one process of a crew: a session layer, or an agent, which does what it is asked for. Not safe for
// concurrent use, except that begun calls go on beside each other.
type process struct {
	name   string
	crew   *crew
	cmd    *exec.Cmd
	user   *syscall.Credential // nil for that of the campaign
	rpc    *rpc.Client         // nil for a session layer
	errors lastWords
	gone   chan struct{} // closed when the process has ended and was collected
}

// lastWords keeps the end of what a process prints on standard error.
type lastWords struct {
	mu   sync.Mutex
	kept []byte
}

const maxLastWords = 8 << 10

func (w *lastWords) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept = append(w.kept, b...)
	w.kept = w.kept[max(0, len(w.kept)-maxLastWords):]
	return len(b), nil
}

func (w *lastWords) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(bytes.TrimSpace(w.kept))
}

func newCrew(ctx context.Context) *crew {
	c := &crew{ctx: ctx, living: map[*process]bool{}}
	context.AfterFunc(ctx, c.end)
	return c
}

// run starts this program with other arguments. The process has a group of its own, so that a signal from the terminal
// ends the campaign and not its processes.
func (c *crew) run(name string, args ...string) (*process, error) {
	return c.start(&process{name: name, cmd: exec.Command("/proc/self/exe", args...)})
}

func (c *crew) start(p *process) (*process, error) {
	p.crew, p.gone = c, make(chan struct{})
	p.cmd.Args[0] = os.Args[0]
	p.cmd.Stderr = &p.errors
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: p.user}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.ctx.Err(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	c.living[p] = true
	go func() {
		_ = p.cmd.Wait() // how it ended is in ProcessState
		c.mu.Lock()
		delete(c.living, p)
		c.mu.Unlock()
		close(p.gone)
	}()
	return p, nil
}

// agent starts an agent, as another user if that is not nil.
func (c *crew) agent(name string, user *syscall.Credential) (*process, error) {
	p := &process{name: name, user: user, cmd: exec.Command("/proc/self/exe", "campaign", agentCommand)}
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if _, err := c.start(p); err != nil {
		return nil, err
	}
	p.rpc = rpc.NewClient(agent.Duplex{Reader: out, WriteCloser: in})
	return p, nil
}

// end kills all processes and returns when they are gone.
func (c *crew) end() {
	c.mu.Lock()
	var all []*process
	for p := range c.living {
		all = append(all, p)
	}
	c.mu.Unlock()
	for _, p := range all {
		p.kill()
	}
}

// kill ends the process with SIGKILL, stopped or not, and returns when it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may be gone
	<-p.gone
	if p.rpc != nil {
		_ = p.rpc.Close()
	}
}

// stop stops the process with SIGSTOP, and returns when it has stopped.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("stop of the %s: %w", p.name, err)
	}
	for {
		err := unix.Waitid(unix.P_PID, p.cmd.Process.Pid, nil, unix.WSTOPPED, nil)
		if err == nil || !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func (p *process) resume() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

// died returns an error if the process has ended.
func (p *process) died() error {
	select {
	case <-p.gone:
		return fmt.Errorf("the %s has ended: %v\n%s", p.name, p.cmd.ProcessState, p.errors.String())
	default:
		return nil
	}
}

// call has an agent do something, and returns the result.
func call[R any](p *process, method string, args any) (R, error) {
	return callFor[R](p, patience, method, args)
}

// callFor is call of what takes so long. An agent that takes longer is ended, and its last words are its stacks.
func callFor[R any](p *process, limit time.Duration, method string, args any) (R, error) {
	var r, none R
	c := p.rpc.Go("Agent."+method, args, &r, make(chan *rpc.Call, 1))
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-c.Done:
		if c.Error == nil {
			return r, nil
		}
		if _, answered := c.Error.(rpc.ServerError); !answered {
			p.kill()
			return none, p.died()
		}
		return none, fmt.Errorf("%s of the %s: %w", method, p.name, c.Error)
	case <-timer.C:
		_ = p.cmd.Process.Signal(syscall.SIGQUIT)
		p.kill()
		return none, fmt.Errorf("%s of the %s takes longer than %v\n%s", method, p.name, limit, p.errors.String())
	}
}

// eventually calls try until it returns nil, the time is over or the campaign is, and returns its last error. It polls: the
// system has no event for a descriptor that is closed.
func (c *crew) eventually(limit time.Duration, try func() error) error {
	for end := time.Now().Add(limit); ; time.Sleep(interval) {
		err := try()
		if err == nil || c.ctx.Err() != nil || time.Now().After(end) {
			return err
		}
	}
}
