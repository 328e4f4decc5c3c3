package serve

import (
	"context"
	"errors"
	"slices"
	"time"

	"cutthrough/impl"
	"cutthrough/impl/wire"
	"cutthrough/shm/oshost"
	"cutthrough/sim/cli"

	"github.com/spf13/cobra"
)

// healthResult says whether a session layer is well.
type healthResult struct {
	cli.Header
	Socket  string        `json:"socket" doc:"the path that was asked"`
	Healthy bool          `json:"healthy" doc:"whether a new application could attach"`
	Reason  string        `json:"reason,omitempty" doc:"why it is not well"`
	Took    time.Duration `json:"attach_ns" doc:"how long it took to attach and detach, in nanoseconds"`
}

// HealthCommand returns the command health.
func HealthCommand() cli.Command {
	return cli.Command{New: healthCommand, Documents: []cli.Document{{Name: "health", Object: healthResult{}}}}
}

func healthCommand(a *cli.Invocation) *cobra.Command {
	var c client
	cmd := &cobra.Command{
		Use:   "health --socket PATH",
		Short: "Find out whether a session layer takes applications",
		Long: `Attaches as an application of the default namespace does, and detaches. The exit code is 0 if the session layer
answered, also if it did so with a refusal that is about this application, and 1 if it did not, or has no room for an
application.`,
		Example: "  simrun health --socket /run/user/1000/cutthrough --timeout 1s",
		Args:    cli.Arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := &healthResult{Socket: c.socket}
			return a.Perform(cmd, args, r, func(ctx context.Context) error { return askHealth(ctx, a, c.timeout, r) })
		},
	}
	c.flags(cmd)
	return cmd
}

// askHealth fills in r.
func askHealth(ctx context.Context, a *cli.Invocation, timeout time.Duration, r *healthResult) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	begun := time.Now()
	app, err := impl.AttachContext(ctx, oshost.New(), r.Socket, impl.Options{})
	if err == nil {
		err = app.CloseContext(ctx)
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	a.Update(func() {
		r.Took = time.Since(begun)
		if r.Healthy = healthy(err); !r.Healthy {
			r.Reason = err.Error()
		}
	})
	return nil
}

// healthy says whether the session layer has answered. A refusal for a reason that is the application's is an answer.
func healthy(err error) bool {
	status, refused := errors.AsType[wire.Status](err)
	return err == nil || refused && slices.Contains([]wire.Status{wire.WrongSecret, wire.NoNamespace, wire.Denied}, status)
}

// Code returns the exit code: [cli.ExitViolated] if the session layer is not well.
func (r *healthResult) Code() int {
	if !r.Healthy {
		return cli.ExitViolated
	}
	return cli.ExitHeld
}

// Print implements [cli.Result].
func (r *healthResult) Print(p *cli.Printer) {
	if !r.Healthy {
		p.Linef("%s  %s: %s", p.Paint(cli.Red, "unhealthy"), r.Socket, r.Reason)
		return
	}
	p.Linef("%s  %s, attached within %v", p.Paint(cli.Green, "healthy"), r.Socket, r.Took.Round(time.Microsecond))
}
