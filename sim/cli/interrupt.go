package cli

import (
	"cmp"
	"context"
	"fmt"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

// defaultPatience is that of App.Patience.
const defaultPatience = 6 * time.Second

// patience returns how long a command may go on after the first signal. A program that was built with a mutant has less, because
// another one waits for it.
func (a *Invocation) patience() time.Duration {
	left := cmp.Or(a.ownPatience, a.app.Patience, defaultPatience)
	if a.mutated != "" {
		return left * 2 / 3
	}
	return left
}

// SetPatience replaces App.Patience for this command. It is called before [Invocation.Perform].
func (a *Invocation) SetPatience(d time.Duration) { a.ownPatience = d }

// Compute fills in a result until it is done or ctx ends.
type Compute func(ctx context.Context) error

// Update calls f, which changes the result of the command. It does not return once the command has been abandoned: the result
// is then being shown.
func (a *Invocation) Update(f func()) {
	a.known.Lock()
	defer a.known.Unlock()
	f()
}

// interruptible calls compute with a context that ends at the first SIGINT or SIGTERM. The second one ends the
// process. If compute is not over some time after the first one it is abandoned: it can then change the result no more.
func (a *Invocation) interruptible(compute Compute) (abandoned bool, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	over := make(chan ending, 1)
	go computing(ctx, compute, over)
	var e ending
	select {
	case e = <-over:
	case <-ctx.Done():
		stop()
		left := a.patience()
		select {
		case e = <-over:
		case <-time.After(left):
			a.known.Lock() // for good
			a.Say("abandoned %s after the signal", left)
			return true, nil
		}
	}
	if e.panicked != "" {
		panic(e.panicked)
	}
	return false, e.err
}

// ending says how a computation ended.
type ending struct {
	err      error
	panicked string // with what, and where
}

// computing calls compute and says how it ended.
func computing(ctx context.Context, compute Compute, over chan<- ending) {
	e := ending{err: Errorf(ExitInternal, "runtime.Goexit is called outside of a task (as t.FailNow does)")}
	defer func() {
		if r := recover(); r != nil {
			e.panicked = fmt.Sprintf("%v\n%s", r, debug.Stack())
		}
		over <- e
	}()
	e.err = compute(ctx)
}
