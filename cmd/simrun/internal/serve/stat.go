package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"time"

	"cutthrough/impl/layer"
	"cutthrough/sim/cli"

	"github.com/spf13/cobra"
)

// maxStat bounds the picture that stat reads, in bytes.
const maxStat = 64 << 20

// defaultTimeout is how long stat and health wait for an answer.
const defaultTimeout = 5 * time.Second

// statResult is a picture of a running session layer.
type statResult struct {
	cli.Header
	Socket string     `json:"socket" doc:"the path that was asked"`
	Layer  layer.Stat `json:"layer" doc:"applications, listeners, sessions, segments with address ranges and who maps them, address_bytes_used, uptime_ns"`
	Usage  []used     `json:"limits" doc:"how much of each limit is used"`
}

// StatCommand returns the command stat.
func StatCommand() cli.Command {
	return cli.Command{New: statCommand, Documents: []cli.Document{{Name: "stat", Object: statResult{}}}}
}

// client is what stat and health ask, and how long they wait.
type client struct {
	socket  string
	timeout time.Duration
}

// flags defines the flags of cmd.
func (c *client) flags(cmd *cobra.Command) {
	c.timeout = defaultTimeout
	cmd.Flags().StringVar(&c.socket, "socket", "", "`PATH` that the session layer serves, required")
	cmd.Flags().Var(&period{&c.timeout, 1}, "timeout", "how long to wait for the answer")
	_ = cmd.MarkFlagRequired("socket") // fails only for a flag that does not exist
}

func statCommand(a *cli.Invocation) *cobra.Command {
	var c client
	cmd := &cobra.Command{
		Use:   "stat --socket PATH",
		Short: "Look at a running session layer",
		Long: `Shows applications, listeners, sessions, segments, and how much of each limit is used: for a limit of each
application, by the one that uses most. Only root and the user of the session layer get an answer.`,
		Example: "  simrun stat --socket /run/user/1000/cutthrough --json",
		Args:    cli.Arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := &statResult{Socket: c.socket}
			return a.Perform(cmd, args, r, func(ctx context.Context) error { return askStat(ctx, a, c.timeout, r) })
		},
	}
	c.flags(cmd)
	return cmd
}

// askStat fills in r. It ends with ctx, or when the time is over.
func askStat(ctx context.Context, a *cli.Invocation, timeout time.Duration, r *statResult) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", r.Socket+statSuffix)
	if err != nil {
		return cli.Errorf(cli.ExitUsage, "no session layer at %s: %v", r.Socket, err)
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Now()) })()
	var p picture
	err = json.NewDecoder(io.LimitReader(c, maxStat)).Decode(&p)
	switch {
	case ctx.Err() == context.DeadlineExceeded:
		return cli.Errorf(cli.ExitUsage, "the session layer at %s does not answer within %v", r.Socket, timeout)
	case ctx.Err() != nil:
		return ctx.Err()
	case err == io.EOF:
		return cli.Errorf(cli.ExitUsage, "the session layer at %s does not answer this user", r.Socket)
	case err != nil:
		return fmt.Errorf("answer of the session layer at %s: %w", r.Socket, err)
	}
	a.Update(func() { r.Layer, r.Usage = p.Layer, p.Usage })
	return nil
}

// Print implements [cli.Result].
func (r *statResult) Print(p *cli.Printer) {
	l := &r.Layer
	p.Linef("%s up %v, %d bytes of address space used", p.Paint(cli.Bold, r.Socket), l.Uptime.Round(time.Millisecond), l.Used)
	var limits, apps, listeners, sessions, segments [][]string
	for _, x := range r.Usage {
		limits = append(limits, []string{"  " + x.Setting, fmt.Sprintf("%s of %s %s", cli.Count(int(x.Used)), cli.Count(int(x.Limit)), x.Unit), x.Application})
	}
	for _, x := range l.Apps {
		apps = append(apps, []string{"  " + x.Handle, fmt.Sprintf("pid %d", x.PID), fmt.Sprintf("%d listeners", x.Listeners),
			fmt.Sprintf("%d sessions", x.Sessions), fmt.Sprintf("%d bytes", x.Bytes), fmt.Sprintf("%d waiting", x.Backlog), x.Namespace})
	}
	for _, x := range l.Listeners {
		listeners = append(listeners, []string{"  " + x.Handle, x.Endpoint, x.App})
	}
	for _, x := range l.Sessions {
		sessions = append(sessions, []string{"  " + x.Handle, x.State, x.Client + " -> " + x.Server, x.Endpoint, x.Segment})
	}
	for _, x := range l.Segments {
		segments = append(segments, []string{"  " + x.Handle, x.State, fmt.Sprintf("[%#x, %#x)", uint64(x.Base), uint64(x.Base)+x.Size),
			fmt.Sprintf("%d of %d bytes", x.Used, x.Size), fmt.Sprintf("mapped by %v", x.Mapped)})
	}
	for _, t := range []struct {
		title string
		rows  [][]string
	}{{"limits", limits}, {"applications", apps}, {"listeners", listeners}, {"sessions", sessions}, {"segments", segments}} {
		p.Linef("\n%s", p.Paint(cli.Bold, t.title))
		p.Table(t.rows, nil)
	}
}
