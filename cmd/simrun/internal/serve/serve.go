// Package serve is the commands that run a session layer, look at one, and find out whether one is well.
package serve

import (
	"context"

	"cutthrough/sim/cli"

	"github.com/spf13/cobra"
)

// serveResult is what a session layer did.
type serveResult struct {
	cli.Header
	Socket string `json:"socket" doc:"the address that applications attached to"`
	Config string `json:"config,omitempty" doc:"the configuration file"`

	checked bool
}

// Command returns the command serve.
func Command() cli.Command {
	return cli.Command{New: command, Documents: []cli.Document{{Name: "serve", Object: serveResult{}}}}
}

func command(a *cli.Invocation) *cobra.Command {
	o := defaultOptions()
	cmd := &cobra.Command{
		Use:   "serve --socket PATH",
		Short: "Run a session layer for the applications of this machine",
		Example: `  simrun serve --socket /run/user/1000/cutthrough
  simrun serve --config /etc/cutthrough.conf --check-config
  simrun stat --socket /run/user/1000/cutthrough
  simrun health --socket /run/user/1000/cutthrough`,
		Long: `Applications attach with impl.Attach at the socket; PATH.stat is the socket of stat. Beside each
socket stands a lock file, PATH.lock, which goes with it. A file that is not its own is never removed.

Sizes are bytes, or have K, M, G or T after them (1024 bytes and so on). Times have a unit: 500ms, 10s, 5m.
A configuration file has the same settings, one a line as "key = value", with the names of the flags; lines that
start with # are comments. A flag overrules the file. What is unknown, or not right, is an error with its line.

A namespace has a name (none for the default one), a secret that applications must know, and addresses that are this
machine's. The secret is a number of 64 bits in a file that other users cannot read.

The log goes to standard error. It never delays the session layer: lines above the rate of their kind, and lines that a
reader does not take, are counted and left out.

The metrics are text for Prometheus, over HTTP at any path of their socket.

SIGTERM and SIGINT end the session layer with exit code 0: it accepts no application any more, tells those that there are,
answers the connects that are under way for at most the drain timeout, and closes all channels. Sessions go on without it,
and applications attach to the next session layer at the socket by themselves. A second signal ends it at once.

Under systemd it says READY=1 and STOPPING=1, and takes sockets that are passed to it: ListenSequentialPacket= for
applications, ListenStream= with FileDescriptorName=stat or metrics. docs/SERVICE.md has unit files.`,
		Args: cli.Arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := &serveResult{Config: o.config, checked: o.checkOnly}
			if err := o.load(cmd.Flags()); err != nil {
				return err
			}
			a.SetPatience(o.drain + closePatience)
			return a.Perform(cmd, args, r, func(ctx context.Context) error {
				a.Update(func() { r.Socket = o.socket })
				if o.checkOnly {
					return nil
				}
				err := serve(ctx, o, a.Stderr())
				a.Update(func() { r.Socket = o.socket }) // which may be inherited
				if err != nil {
					return cli.Errorf(cli.ExitUsage, "%w", err)
				}
				return nil
			})
		},
	}
	o.flags(cmd)
	return cmd
}

// Print implements [cli.Result].
func (r *serveResult) Print(p *cli.Printer) {
	if r.checked && !p.Quiet {
		p.Linef("the settings are right")
	}
}
