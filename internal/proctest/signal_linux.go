package proctest

import (
	"os"
	"syscall"
)

// Kill ends an agent with SIGKILL, stopped or not, and collects it.
func (p *Process) Kill() {
	p.t.Helper()
	p.collect(syscall.SIGKILL)
}

// abort ends an agent that hangs, which prints where.
func (p *Process) abort() { p.collect(syscall.SIGQUIT) }

func (p *Process) collect(s os.Signal) {
	p.t.Helper()
	p.gone = true
	p.signal(s)
	_ = p.cmd.Wait() // "signal: killed"
	_ = p.rpc.Close()
}

// Stop stops an agent, and returns when it has stopped.
func (p *Process) Stop() {
	p.t.Helper()
	p.stopped = true
	p.signal(syscall.SIGSTOP)
	var status syscall.WaitStatus
	_, err := syscall.Wait4(p.cmd.Process.Pid, &status, syscall.WUNTRACED, nil)
	if err != nil || !status.Stopped() {
		p.t.Errorf("stop: %v, status %#x", err, status)
	}
}

// Resume has it go on.
func (p *Process) Resume() {
	p.t.Helper()
	p.stopped = false
	p.signal(syscall.SIGCONT)
}

func (p *Process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Error(err)
	}
}
