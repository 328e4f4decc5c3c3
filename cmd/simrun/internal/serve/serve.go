// Package serve is the commands that run a session layer and look at one.
package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"cutthrough/impl/layer"
	"cutthrough/impl/server"
	"cutthrough/shm/oshost"
	"cutthrough/sim/cli"

	"github.com/spf13/cobra"
)

// statSuffix is appended to the socket's path for the socket that stat asks.
const statSuffix = ".stat"

// maxStat bounds the picture that stat reads, in bytes.
const maxStat = 64 << 20

// serveResult is what a session layer did.
type serveResult struct {
	cli.Header
	Socket string `json:"socket" doc:"the path that applications attached to"`
}

type serveOptions struct {
	socket                        string
	linger, connect, closeTimeout time.Duration
	fifo                          uint32
}

// Command returns the command serve.
func Command() cli.Command {
	return cli.Command{New: command, Documents: []cli.Document{{Name: "serve", Object: serveResult{}}}}
}

func command(a *cli.Invocation) *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve --socket PATH",
		Short: "Run a session layer for the applications of this machine",
		Example: `  simrun serve --socket /run/user/1000/cutthrough
  simrun stat --socket /run/user/1000/cutthrough`,
		Long: `Applications attach with impl.Attach. Structured logs go to standard error. The session layer ends
at SIGINT or SIGTERM, and closes all channels.`,
		Args: cli.Arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := &serveResult{Socket: o.socket}
			return a.Perform(cmd, args, r, func(ctx context.Context) error { return serve(ctx, a, o) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.socket, "socket", "", "path of the unix socket, required")
	f.DurationVar(&o.linger, "linger", 10*time.Second, "how long an idle pair of applications keeps its segments")
	f.DurationVar(&o.connect, "connect-timeout", 10*time.Second, "how long a server may take to answer a connect")
	f.DurationVar(&o.closeTimeout, "close-timeout", 5*time.Minute, "how long a peer may take to follow a close before it is reset")
	f.Uint32Var(&o.fifo, "fifo", 64<<10, "bytes of a fifo, when a connect does not say")
	_ = cmd.MarkFlagRequired("socket") // fails only for a flag that does not exist
	return cmd
}

func serve(ctx context.Context, a *cli.Invocation, o serveOptions) error {
	h := oshost.New()
	l, err := h.Listen(o.socket)
	if err != nil {
		return cli.Errorf(cli.ExitUsage, "%v", err)
	}
	log := slog.New(slog.NewTextHandler(a.Stderr(), nil))
	s := server.New(h, l, server.Config{
		Layer: layer.Config{Linger: o.linger, ConnectTimeout: o.connect, CloseTimeout: o.closeTimeout, FifoSize: o.fifo},
		Log:   log,
	})
	stats, err := listenStat(o.socket + statSuffix)
	if err != nil {
		return errors.Join(cli.Errorf(cli.ExitUsage, "%v", err), s.Close())
	}
	defer stats.Close()
	go answerStat(stats, s, log)
	stop := context.AfterFunc(ctx, func() {
		if err := s.Close(); err != nil {
			log.Error("close", "err", err)
		}
	})
	defer stop()
	log.Info("serving", "socket", o.socket)
	if err := s.Run(); err != nil {
		return err
	}
	log.Info("ended", "socket", o.socket)
	return nil
}

// listenStat replaces the socket of a session layer that is no more: the caller
// has its main socket.
func listenStat(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return net.Listen("unix", path)
}

// answerStat writes a picture to each connection.
func answerStat(l net.Listener, s *server.Server, log *slog.Logger) {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			log.Error("stat", "err", err)
			return
		}
		_ = c.SetDeadline(time.Now().Add(10 * time.Second)) // a client that does not read is not waited for
		if err := json.NewEncoder(c).Encode(s.Stat()); err != nil {
			log.Warn("stat", "err", err)
		}
		_ = c.Close()
	}
}

func (r *serveResult) Print(*cli.Printer) {}

// statResult is a picture of a running session layer.
type statResult struct {
	cli.Header
	Socket string     `json:"socket" doc:"the path that was asked"`
	Layer  layer.Stat `json:"layer" doc:"applications, listeners, sessions, segments with address ranges and who maps them, address_bytes_used, uptime_ns"`
}

// StatCommand returns the command stat.
func StatCommand() cli.Command {
	return cli.Command{New: statCommand, Documents: []cli.Document{{Name: "stat", Object: statResult{}}}}
}

func statCommand(a *cli.Invocation) *cobra.Command {
	var socket string
	cmd := &cobra.Command{
		Use:     "stat --socket PATH",
		Short:   "Look at a running session layer",
		Example: "  simrun stat --socket /run/user/1000/cutthrough --json",
		Args:    cli.Arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := &statResult{Socket: socket}
			return a.Perform(cmd, args, r, func(ctx context.Context) error { return askStat(ctx, r) })
		},
	}
	cmd.Flags().StringVar(&socket, "socket", "", "path that the session layer serves, required")
	_ = cmd.MarkFlagRequired("socket") // fails only for a flag that does not exist
	return cmd
}

func askStat(ctx context.Context, r *statResult) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", r.Socket+statSuffix)
	if err != nil {
		return cli.Errorf(cli.ExitUsage, "no session layer at %s: %v", r.Socket, err)
	}
	defer c.Close()
	if err := json.NewDecoder(io.LimitReader(c, maxStat)).Decode(&r.Layer); err != nil {
		return fmt.Errorf("answer of the session layer at %s: %w", r.Socket, err)
	}
	return nil
}

func (r *statResult) Print(p *cli.Printer) {
	l := &r.Layer
	p.Linef("%s up %v, %d bytes of address space used", p.Paint(cli.Bold, r.Socket), l.Uptime.Round(time.Millisecond), l.Used)
	p.Linef("\n%s", p.Paint(cli.Bold, "applications"))
	rows := [][]string{}
	for _, x := range l.Apps {
		rows = append(rows, []string{"  " + x.Handle, fmt.Sprintf("pid %d", x.PID), fmt.Sprintf("%d listeners", x.Listeners),
			fmt.Sprintf("%d sessions", x.Sessions), fmt.Sprintf("%d bytes", x.Bytes), fmt.Sprintf("%d waiting", x.Backlog), x.Namespace})
	}
	p.Table(rows, nil)
	p.Linef("\n%s", p.Paint(cli.Bold, "listeners"))
	rows = rows[:0]
	for _, x := range l.Listeners {
		rows = append(rows, []string{"  " + x.Handle, x.Endpoint, x.App})
	}
	p.Table(rows, nil)
	p.Linef("\n%s", p.Paint(cli.Bold, "sessions"))
	rows = rows[:0]
	for _, x := range l.Sessions {
		rows = append(rows, []string{"  " + x.Handle, x.State, x.Client + " -> " + x.Server, x.Endpoint, x.Segment})
	}
	p.Table(rows, nil)
	p.Linef("\n%s", p.Paint(cli.Bold, "segments"))
	rows = rows[:0]
	for _, x := range l.Segments {
		rows = append(rows, []string{"  " + x.Handle, x.State, fmt.Sprintf("[%#x, %#x)", uint64(x.Base), uint64(x.Base)+x.Size),
			fmt.Sprintf("%d of %d bytes", x.Used, x.Size), fmt.Sprintf("mapped by %v", x.Mapped)})
	}
	p.Table(rows, nil)
}
