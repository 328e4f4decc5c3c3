package serve

import (
	"os"
	"strings"
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
	users   []uint32 // that may attach; with groups empty too: the default policy
	groups  []uint32
	spaces  namespaces
	drain   time.Duration
	log     logs.Options

	config    string
	checkOnly bool
}

// defaultOptions returns the options without flags and configuration file. A limit of 0 has a default that load finds out.
func defaultOptions() *options {
	o := &options{server: server.Defaults(), drain: defaultDrain, sockets: oshost.Sockets{Mode: 0o600}}
	o.server.Layer.Linger = defaultLinger
	o.server.Layer.MaxTotalBytes = 0
	o.log = logs.Options{Rate: defaultLogRate, Burst: defaultLogBurst}
	return o
}

// settings defines what may stand in a configuration file. A new limit is one line here or in limits, and one in usages if
// stat shows how much of it is used.
func (o *options) settings(f *pflag.FlagSet) {
	l := &o.server.Layer
	f.StringVar(&o.socket, "socket", "", "unix socket of the applications: a `PATH`, or @NAME for an abstract one; required without socket activation")
	f.Var((*mode)(&o.sockets.Mode), "socket-mode", "permissions of the sockets of applications and metrics, octal")
	f.Var((*group)(&o.sockets.Group), "socket-group", "group of these sockets, a name or a number (default that of the process)")
	f.Var(users(&o.users), "allow-users", "users that may attach, besides root: names or numbers, with commas (default the user of the session layer; an abstract socket has no default)")
	f.Var(groups(&o.groups), "allow-groups", "groups whose members may attach too: names or numbers, with commas (default none)")
	f.StringVar(&o.metrics, "metrics-socket", "", "unix socket of the metrics: a `PATH` or @NAME (default none)")
	f.Var(&o.spaces, "namespace", "a namespace of applications: name=NAME,secret-file=FILE,own=ADDRESS; may be repeated")

	o.limits(f)

	f.Var(nonzero{bytesize.Var(&l.FifoSize)}, "fifo", "bytes of each of the two fifos of a session, when its connect does not say")
	f.Var(nonzero{bytesize.Var(&l.SegmentSize)}, "segment-size", "bytes of the first segment of two applications, in pages of 4K")
	f.Var(nonzero{bytesize.Var(&l.Guard)}, "guard", "bytes of address space between segments, in pages of 4K")
	f.Var(nonzero{bytesize.Var(&l.Base)}, "address-base", "where the address space of the segments begins, in bytes")
	f.Var(nonzero{bytesize.Var(&l.End)}, "address-end", "where it ends, in bytes: the segments of all applications are smaller together")
	f.Var(nonzero{bytesize.Var(&l.QueueSlots)}, "queue-slots", "events that fit in an event queue, a power of two")

	f.Var(&period{&l.Linger, 0}, "linger", "how long two applications without a session keep their segments, such as 10s or 5m")
	f.Var(&period{&l.HandshakeTimeout, 1}, "handshake-timeout", "how long a connection may be without an application, before it is closed")
	f.Var(&period{&l.ConnectTimeout, 1}, "connect-timeout", "how long a server may take to answer a connect")
	f.Var(&period{&l.CloseTimeout, 1}, "close-timeout", "how long a peer may take to follow a close before it is reset")
	f.Var(&period{&o.drain, 0}, "drain-timeout", "how long connects that are under way may take after SIGTERM or SIGINT")

	f.Var((*level)(&o.log.Level), "log-level", "the least that is logged: debug, info, warn or error")
	f.Var((*format)(&o.log.JSON), "log-format", "text or json")
	f.Var((*rate)(&o.log.Rate), "log-rate", "log lines a second of each kind in the long run; the others are counted")
	f.Var((*burst)(&o.log.Burst), "log-burst", "log lines of each kind that may come at once; 0 logs all lines")
}

// limits defines the limits of what applications, pairs of them, and users may have. One that may be 0 follows from
// others then.
func (o *options) limits(f *pflag.FlagSet) {
	l := &o.server.Layer
	f.Var((*count)(&l.MaxApps), "max-apps", "applications attached at a time")
	f.Var((*count)(&l.MaxTotalSessions), "max-total-sessions", "sessions of all applications")
	f.Var(bytesize.Var(&l.MaxTotalBytes), "max-total-bytes", "bytes of all segments (default what machine and control group can spare at the start)")
	f.Var((*count)(&o.server.MaxUnattached), "max-unattached", "connections without an application; one more, and one is closed of the process that has the most")

	f.Var((*derived)(&l.MaxUserApps), "max-user-apps", "applications of one user (default 3/4 of max-apps)")
	f.Var((*derived)(&l.MaxUserListeners), "max-user-listeners", "listeners of one user (default 16 times max-listeners)")
	f.Var((*derived)(&l.MaxUserSessions), "max-user-sessions", "sessions that one user pays for (default 3/4 of max-total-sessions)")
	f.Var(bytesize.Var(&l.MaxUserBytes), "max-user-bytes", "bytes of segments that one user pays for (default 3/4 of max-total-bytes)")
	f.Var((*derived)(&o.server.MaxUserUnattached), "max-user-unattached", "connections of one user without an application (default 3/4 of max-unattached)")

	f.Var((*count)(&l.MaxListeners), "max-listeners", "listeners of one application")
	f.Var((*count)(&l.MaxPairs), "max-pairs", "others that one application has sessions with")
	f.Var((*count)(&l.MaxSessions), "max-sessions", "sessions that one application dialled, and as many that it accepted")
	f.Var(bytesize.Var(&l.MaxBytes), "max-bytes", "bytes of segments that one application pays for (default 4G, at most 1/2 of max-total-bytes)")
	f.Var((*count)(&o.server.Backlog), "max-waiting", "messages kept for an application that does not read, besides 4 for each of its sessions")

	f.Var((*derived)(&l.MaxPairSessions), "max-pair-sessions", "sessions of one server with one client (default 1/2 of max-sessions)")
	f.Var(bytesize.Var(&l.MaxPairBytes), "max-pair-bytes", "bytes of segments of one client and one server (default max-bytes)")
}

// flags defines the flags of cmd.
func (o *options) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	o.settings(f)
	f.StringVar(&o.config, "config", "", "read settings from `FILE`; a flag overrules it")
	f.BoolVar(&o.checkOnly, "check-config", false, "say whether the settings are right, and end")
}

// load adds the configuration file to the flags, finds out whether the whole makes sense, and fills in the defaults that
// follow from it.
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
	if o.server.Layer.MaxTotalBytes == 0 {
		if o.server.Layer.MaxTotalBytes, err = oshost.MemoryBudget(); err != nil {
			return cli.Errorf(cli.ExitUsage, "max-total-bytes has no default here: %w", err)
		}
	}
	if err := o.server.Layer.Validate(); err != nil {
		return cli.Errorf(cli.ExitUsage, "settings: %w", err)
	}
	o.server = o.server.Resolved()
	o.server.Policy, err = o.policy()
	return err
}

// policy returns the policy of the settings, or nil if they have none: then the session layer takes applications of its
// own user and of root. A path has the permissions of its file besides, an abstract address has only the policy, so that
// it needs one: an error, if it has none.
func (o *options) policy() (server.Policy, error) {
	if len(o.users)+len(o.groups) > 0 {
		return allow(o.users, o.groups, memberships), nil
	}
	if strings.HasPrefix(o.socket, "@") {
		return nil, cli.Errorf(cli.ExitUsage, "%s is an abstract socket, which has no permissions: say who may attach with --allow-users or --allow-groups", o.socket)
	}
	return nil, nil
}
