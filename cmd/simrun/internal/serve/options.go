package serve

import (
	"os"
	"time"

	"cutthrough/cmd/simrun/internal/bytesize"
	"cutthrough/cmd/simrun/internal/logs"
	"cutthrough/impl/server"
	"cutthrough/shm/oshost"
	"cutthrough/sim/cli"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Defaults of options that the session layer itself does not know.
const (
	defaultLinger   = 10 * time.Second
	defaultDrain    = 5 * time.Second
	defaultLogRate  = 1
	defaultLogBurst = 20
)

// options say how a session layer runs. Each is a flag of serve, and a key of the same name in its
// configuration file.
type options struct {
	socket  string
	metrics string
	sockets oshost.Sockets
	server  server.Config
	spaces  namespaces
	drain   time.Duration
	log     logs.Options

	config    string
	checkOnly bool
}

// defaultOptions returns the options without flags and configuration file.
func defaultOptions() *options {
	o := &options{server: server.Defaults(), drain: defaultDrain, sockets: oshost.Sockets{Mode: 0o600}}
	o.server.Layer.Linger = defaultLinger
	o.log = logs.Options{Rate: defaultLogRate, Burst: defaultLogBurst}
	return o
}

// settings defines what may stand in a configuration file. A new limit is one line here, and one in usages if stat
// shows how much of it is used.
func (o *options) settings(f *pflag.FlagSet) {
	l := &o.server.Layer
	f.StringVar(&o.socket, "socket", "", "unix socket of the applications: a `PATH`, or @NAME for an abstract one; required without socket activation")
	f.Var((*mode)(&o.sockets.Mode), "socket-mode", "permissions of the sockets of applications and metrics, octal")
	f.Var((*group)(&o.sockets.Group), "socket-group", "group of these sockets, a name or a number (default that of the process)")
	f.StringVar(&o.metrics, "metrics-socket", "", "unix socket of the metrics: a `PATH` or @NAME (default none)")
	f.Var(&o.spaces, "namespace", "a namespace of applications: name=NAME,secret-file=FILE,own=ADDRESS; may be repeated")

	f.Var((*count)(&l.MaxApps), "max-apps", "applications attached at a time")
	f.Var((*count)(&l.MaxListeners), "max-listeners", "listeners of one application")
	f.Var((*count)(&l.MaxSessions), "max-sessions", "sessions of one application, dialled and accepted ones")
	f.Var(nonzero{bytesize.Var(&l.MaxBytes)}, "max-bytes", "bytes of segments that the connects of one application made")
	f.Var((*count)(&o.server.MaxUnattached), "max-unattached", "connections without an application; one more, and the oldest is closed")
	f.Var((*count)(&o.server.Backlog), "max-waiting", "messages kept for an application that does not read, besides 4 for each of its sessions")

	f.Var(nonzero{bytesize.Var(&l.FifoSize)}, "fifo", "bytes of each of the two fifos of a session, when its connect does not say")
	f.Var(nonzero{bytesize.Var(&l.SegmentSize)}, "segment-size", "bytes of the first segment of two applications, in pages of 4K")
	f.Var(nonzero{bytesize.Var(&l.Guard)}, "guard", "bytes of address space between segments, in pages of 4K")
	f.Var(nonzero{bytesize.Var(&l.Base)}, "address-base", "where the address space of the segments begins, in bytes")
	f.Var(nonzero{bytesize.Var(&l.End)}, "address-end", "where it ends, in bytes: the segments of all applications are smaller together")
	f.Var(nonzero{bytesize.Var(&l.QueueSlots)}, "queue-slots", "events that fit in an event queue, a power of two")

	f.Var(&period{&l.Linger, 0}, "linger", "how long two applications without a session keep their segments, such as 10s or 5m")
	f.Var(&period{&l.ConnectTimeout, 1}, "connect-timeout", "how long a server may take to answer a connect")
	f.Var(&period{&l.CloseTimeout, 1}, "close-timeout", "how long a peer may take to follow a close before it is reset")
	f.Var(&period{&o.drain, 0}, "drain-timeout", "how long open sessions may go on after SIGTERM or SIGINT")

	f.Var((*level)(&o.log.Level), "log-level", "the least that is logged: debug, info, warn or error")
	f.Var((*format)(&o.log.JSON), "log-format", "text or json")
	f.Var((*rate)(&o.log.Rate), "log-rate", "log lines a second of each kind in the long run; the others are counted")
	f.Var((*burst)(&o.log.Burst), "log-burst", "log lines of each kind that may come at once; 0 logs all lines")
}

// flags defines the flags of cmd.
func (o *options) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	o.settings(f)
	f.StringVar(&o.config, "config", "", "read settings from `FILE`; a flag overrules it")
	f.BoolVar(&o.checkOnly, "check-config", false, "say whether the settings are right, and end")
}

// load adds the configuration file to the flags, and finds out whether the whole makes sense.
func (o *options) load(flags *pflag.FlagSet) error {
	if o.config != "" {
		file, err := os.Open(o.config)
		if err != nil {
			return cli.Errorf(cli.ExitUsage, "--config: %w", err)
		}
		defer file.Close()
		if err := readConfig(o.config, file, flags); err != nil {
			return cli.Errorf(cli.ExitUsage, "%w", err)
		}
	}
	var err error
	if o.server.Layer.Namespaces, err = o.spaces.resolve(); err != nil {
		return cli.Errorf(cli.ExitUsage, "namespace: %w", err)
	}
	if err := o.server.Layer.Validate(); err != nil {
		return cli.Errorf(cli.ExitUsage, "settings: %w", err)
	}
	return nil
}
