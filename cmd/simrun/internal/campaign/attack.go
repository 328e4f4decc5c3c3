package campaign

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cutthrough/cmd/simrun/internal/campaign/agent"
	"cutthrough/internal/load"
	"cutthrough/sim/cli"

	"github.com/spf13/cobra"
)

// attackResult is what a campaign of attacks found out.
type attackResult struct {
	outcome
	Time    time.Duration   `json:"time_ns" doc:"how long each attack was asked to go on, in nanoseconds"`
	Attacks []attackFigures `json:"attacks" doc:"the attacks, in order"`

	list bool
}

// attackFigures are about one attack.
type attackFigures struct {
	Name     string         `json:"name" doc:"the attack"`
	Done     int64          `json:"done" doc:"how often it did what it does"`
	Unit     string         `json:"unit" doc:"what that is"`
	Idle     honest         `json:"idle" doc:"the honest application before the attack"`
	Attacked honest         `json:"attacked" doc:"the honest application during the attack"`
	Ends     map[string]int `json:"sessions_ended" doc:"sessions of the honest server with attackers that ended, by error, and those of the honest client that ended well (EOF)"`
	Failed   int            `json:"failed" doc:"operations of the honest application that failed, and processes that did not survive or kept something"`
}

// honest are the times of an honest application.
type honest struct {
	Attach    figures `json:"attach" doc:"to attach to the session layer"`
	Connect   figures `json:"connect" doc:"to dial the honest server until it has accepted"`
	RoundTrip figures `json:"round_trip" doc:"of 64 bytes to the honest server and back, each compared"`
}

func honestly(m *agent.Measured) honest {
	return honest{figuresOf(m.Attach), figuresOf(m.Connect), figuresOf(m.RoundTrip)}
}

func attackCommand(a *cli.Invocation) *cobra.Command {
	var by attackers
	r := &attackResult{}
	cmd := &cobra.Command{
		Use:   "attack [NAME...]",
		Short: "Attack the session layer and the server, and measure an honest client",
		Long: `Measures an honest client first, then while attackers are at work, which are processes of their own. Any operation of the honest
client that fails, a byte that is wrong, and an honest process that ends or keeps something are failures. The times are shown and not
judged, because they are those of this machine; the attack "busy" only takes processor time, for comparison.`,
		Example: "  simrun campaign attack --time 60s\n  simrun campaign attack garbage storm --time 10s --json\n  simrun campaign attack storm --attackers 4 --attacker-user nobody",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range args {
				if _, found := find(name); !found {
					return cli.Errorf(cli.ExitUsage, "no attack %q: there are %s", name, strings.Join(attackNames(), ", "))
				}
			}
			if r.Time <= 0 || by.n < 1 {
				return cli.Errorf(cli.ExitUsage, "want --time above 0 and at least one of --attackers")
			}
			if err := by.find(); err != nil {
				return cli.Errorf(cli.ExitUsage, "--attacker-user: %w", err)
			}
			if len(args) == 0 {
				args = attackNames()
			}
			return perform(a, cmd, args, r, &r.outcome, func(run *runner) {
				if !r.list {
					r.run(run, args, &by)
				}
			})
		},
	}
	cmd.Flags().DurationVar(&r.Time, "time", time.Minute, "how long each attack goes on; the client is measured a quarter of it before")
	cmd.Flags().IntVar(&by.n, "attackers", 1, "processes that attack")
	cmd.Flags().StringVar(&by.user, "attacker-user", "", "`USER` that they run as, which may attach then; only root can be another one")
	cmd.Flags().BoolVar(&r.list, "list", false, "show which attacks there are, and end")
	return cmd
}

// find returns the kind of attack of a name.
func find(name string) (agent.Kind, bool) {
	for _, k := range agent.Attacks() {
		if k.Name == name {
			return k, true
		}
	}
	return agent.Kind{}, false
}

func attackNames() []string {
	var all []string
	for _, k := range agent.Attacks() {
		all = append(all, k.Name)
	}
	return all
}

// slice is how long the client measures at a time, so that an interrupted campaign keeps most of it.
const slice = 500 * time.Millisecond

func (x *attackResult) run(r *runner, names []string, by *attackers) {
	for _, name := range names {
		if r.ctx.Err() != nil {
			return
		}
		r.a.Say("attacking: %s", name)
		kind, _ := find(name)
		f := attackFigures{Name: name, Unit: kind.Unit, Ends: map[string]int{}}
		at := len(x.Attacks)
		r.a.Update(func() { x.Attacks = append(x.Attacks, f) })
		show := func() { r.a.Update(func() { x.Attacks[at] = f }) }
		fail := func(err error) {
			if r.ctx.Err() == nil {
				f.Failed++
				show()
				r.fail(fmt.Errorf("%s: %w", name, err))
			}
		}
		x.one(r, &f, by, show, fail)
	}
}

// one does one attack, on a trio of its own.
func (x *attackResult) one(r *runner, f *attackFigures, by *attackers, show func(), fail func(error)) {
	t, err := newTrio(r.crew, by.settings()...)
	if err != nil {
		fail(err)
		return
	}
	defer t.end()
	if err := by.letIn(t.dir); err != nil {
		fail(err)
		return
	}
	measured := func(what string, d time.Duration, to *honest) bool {
		failures, err := x.measure(r, t, what, d, to, show)
		if r.ctx.Err() != nil {
			return false // the processes have been killed
		}
		for _, f := range failures {
			fail(fmt.Errorf("the client: %s", f))
		}
		if err != nil {
			fail(err)
		}
		return err == nil
	}
	if !measured(f.Name+", idle", x.Time/4, &f.Idle) {
		return
	}
	var all []*process
	for range by.n {
		p, err := r.crew.agent("attacker", by.credential)
		if err == nil {
			all = append(all, p)
			_, err = call[agent.None](p, "Attack", agent.AttackCall{Name: f.Name, Socket: t.socket})
		}
		if err != nil {
			fail(err)
			return
		}
	}
	if !measured(f.Name, x.Time, &f.Attacked) {
		return
	}
	for _, p := range all {
		n, err := call[int64](p, "Done", agent.None{})
		if err != nil {
			fail(err)
		}
		f.Done += n
		p.kill() // what it holds is for the others to release
	}
	ended, err := call[[]load.Ended](t.server, "Ended", []string{"echo"})
	if err != nil {
		fail(err)
	}
	for _, e := range ended {
		f.Ends[e.Kind]++
	}
	show()
	if err := x.after(t); err != nil {
		fail(err)
	}
	r.saw(t)
}

// after wants the trio to be as well as before the attack.
func (x *attackResult) after(t *trio) error {
	if err := t.leaks(); err != nil {
		return err
	}
	m, err := call[agent.Measured](t.client, "Measure", agent.MeasureCall{Socket: t.socket, Time: interval})
	if err == nil && len(m.Failures) > 0 {
		err = fmt.Errorf("the client afterwards: %s", m.Failures[0])
	}
	return err
}

// measure has the client measure for some time.
func (x *attackResult) measure(r *runner, t *trio, what string, d time.Duration, to *honest, show func()) (failures []string, err error) {
	var m agent.Measured
	for end := time.Now().Add(d); time.Now().Before(end) && len(m.Failures) < maxFailures; {
		part, err := call[agent.Measured](t.client, "Measure", agent.MeasureCall{Socket: t.socket, Time: min(slice, time.Until(end))})
		if err != nil {
			return m.Failures, err
		}
		if err := t.layer.died(); err != nil {
			return m.Failures, err
		}
		m.Add(part)
		*to = honestly(&m)
		show()
		r.progress.Update(func(time.Duration) string {
			return fmt.Sprintf("%s: %v left, round trip %s", what, time.Until(end).Round(time.Second), short(to.RoundTrip.P50))
		})
	}
	return m.Failures, nil
}

// Print implements [cli.Result].
func (x *attackResult) Print(p *cli.Printer) {
	if x.list {
		var rows [][]string
		for _, k := range agent.Attacks() {
			rows = append(rows, []string{k.Name, k.Doc})
		}
		p.Table(rows, nil)
		return
	}
	rows := [][]string{{"attack", "", "attach p50", "p99", "max", "connect p50", "p99", "max", "round trip p50", "p99", "max"}}
	for _, f := range x.Attacks {
		rows = append(rows, slices.Concat([]string{f.Name, "idle"}, f.Idle.cells()), slices.Concat([]string{"", "attacked"}, f.Attacked.cells()))
	}
	p.Table(rows, nil)
	for _, f := range x.Attacks {
		var ends []string
		for _, kind := range slices.Sorted(maps.Keys(f.Ends)) {
			ends = append(ends, fmt.Sprintf("%s %s", cli.Count(f.Ends[kind]), kind))
		}
		p.Linef("%s: %s %s; sessions of the server ended: %s; failed: %d", f.Name, cli.Count(int(f.Done)), f.Unit, strings.Join(ends, ", "), f.Failed)
	}
	x.printEnd(p)
}

func (h honest) cells() []string {
	return slices.Concat(h.Attach.cells(), h.Connect.cells(), h.RoundTrip.cells())
}
