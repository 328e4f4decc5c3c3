package campaign

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"cutthrough/cmd/simrun/internal/campaign/agent"
	"cutthrough/internal/load"
	"cutthrough/sim/cli"

	"github.com/spf13/cobra"
)

// killsResult is what a campaign of kills found out.
type killsResult struct {
	outcome
	Rounds     int             `json:"rounds" doc:"kills that were asked for"`
	Victims    []victimFigures `json:"victims" doc:"the kills, by the process that was killed"`
	Reconnects int             `json:"failed_reconnects" doc:"kills after which the applications had no sessions again"`
	Leaks      int             `json:"leaks" doc:"kills after which a process kept descriptors, mapped segments, goroutines, sessions or segments"`
	Wrong      int             `json:"wrong_errors" doc:"kills after which a task of a survivor did not end, or with another error than the documented one"`
}

// victimFigures are about the kills of one process.
type victimFigures struct {
	Victim string  `json:"victim" doc:"the process"`
	Kills  int     `json:"kills" doc:"how often it was killed"`
	Seen   figures `json:"error_seen" doc:"time from a kill until a task of a survivor has its error"`

	times []time.Duration
}

func killsCommand(a *cli.Invocation) *cobra.Command {
	var rounds int
	cmd := &cobra.Command{
		Use:   "kills",
		Short: "SIGKILL to session layer, server and client in turn",
		Long: `The applications exchange messages, and open and close sessions. After a random number of messages one process is killed.
Then all sessions with a killed application must end with the documented errors; those of a killed session layer must go
on, and its applications attach again by themselves. The process that takes its place must be served, and no process may
keep descriptors, mapped segments, goroutines, sessions or segments that it did not have before.`,
		Example: "  simrun campaign kills --rounds 10000 --json",
		Args:    cli.Arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := &killsResult{Rounds: rounds}
			for _, name := range names {
				r.Victims = append(r.Victims, victimFigures{Victim: name})
			}
			return perform(a, cmd, args, r, &r.outcome, r.run)
		},
	}
	cmd.Flags().IntVar(&rounds, "rounds", 300, "how many processes to kill")
	return cmd
}

// noLinger makes a session layer keep no segment without sessions, so that one that is there is a leak.
const noLinger = "--linger=0s"

func (k *killsResult) run(r *runner) {
	r.a.Say("killing processes %d times", k.Rounds)
	var t *trio
	rng := rand.New(rand.NewPCG(4, 2))
	for round := range k.Rounds {
		if r.ctx.Err() != nil {
			break
		}
		var err error
		if t == nil {
			t, err = newTrio(r.crew, noLinger)
		}
		if err == nil {
			err = k.round(r, t, &k.Victims[round%len(k.Victims)], 3+rng.IntN(100))
		}
		r.did(round+1, k.Rounds, "kill")
		if err == nil {
			continue
		}
		if t != nil {
			r.saw(t)
			t.end()
			t = nil
		}
		if !r.fail(fmt.Errorf("round %d: %w", round+1, err)) {
			break
		}
	}
	if t != nil {
		r.saw(t)
		t.end()
	}
}

// round lets the applications exchange so many messages, kills the victim, and puts another in its place.
func (k *killsResult) round(r *runner, t *trio, v *victimFigures, messages int) error {
	if _, err := call[agent.None](t.client, "Load", agent.None{}); err != nil {
		r.count(&k.Reconnects)
		return fmt.Errorf("no session before the kill: %w", err)
	}
	if ok, err := call[bool](t.client, "Progress", agent.ProgressCall{Task: "stream", N: messages, Limit: patience}); err != nil || !ok {
		return errors.Join(errors.New("no messages"), err)
	}
	killed := load.Now()
	t.process(v.Victim).kill()
	r.a.Update(func() { v.Kills++ })
	for _, name := range load.Survivors(v.Victim) {
		seen, err := ends(v.Victim, t.process(name), killed)
		if err != nil {
			r.count(&k.Wrong)
			return fmt.Errorf("the %s was killed: %w", v.Victim, err)
		}
		r.a.Update(func() {
			v.times = append(v.times, seen...)
			v.Seen = figuresOf(v.times)
		})
	}
	if v.Victim == "layer" {
		if err := goesOn(t.client); err != nil {
			r.count(&k.Wrong)
			return fmt.Errorf("the layer was killed: %w", err)
		}
	}
	if err := t.replace(v.Victim, noLinger); err != nil {
		r.count(&k.Reconnects)
		return fmt.Errorf("the %s was killed: no reconnect: %w", v.Victim, err)
	}
	if v.Victim == "layer" {
		if err := unload(t, killed); err != nil {
			r.count(&k.Wrong)
			return fmt.Errorf("the layer was killed: %w", err)
		}
	}
	if err := t.leaks(); err != nil {
		r.count(&k.Leaks)
		return fmt.Errorf("the %s was killed: %w", v.Victim, err)
	}
	return nil
}

// goesOn returns an error unless the sessions that there are exchange messages without a session layer.
func goesOn(client *process) error {
	ok, err := call[bool](client, "Progress", agent.ProgressCall{Task: "stream", N: 3, Limit: patience})
	if err == nil && !ok {
		err = errors.New("the sessions do not go on")
	}
	return err
}

// unload ends the sessions that have outlived their session layer, and checks how those of the server have ended.
func unload(t *trio, killed time.Duration) error {
	_, err := call[agent.None](t.client, "Unload", agent.None{})
	if err == nil {
		_, err = call[[]load.Ended](t.client, "Ended", []string{})
	}
	if err != nil {
		return err
	}
	ended, err := call[[]load.Ended](t.server, "Ended", []string{"echo"})
	if err == nil {
		_, err = load.Judge("layer", "server", ended, killed)
	}
	return err
}

// ends waits until the tasks of a survivor have ended, and returns how long after the kill each has.
func ends(victim string, survivor *process, killed time.Duration) ([]time.Duration, error) {
	ended, err := call[[]load.Ended](survivor, "Ended", load.Ends(victim, survivor.name))
	if err != nil {
		return nil, err
	}
	return load.Judge(victim, survivor.name, ended, killed)
}

// Print implements [cli.Result].
func (k *killsResult) Print(p *cli.Printer) {
	rows := [][]string{{"killed", "times", "error seen p50", "p99", "max"}}
	for _, v := range k.Victims {
		rows = append(rows, append([]string{v.Victim, cli.Count(v.Kills)}, v.Seen.cells()...))
	}
	p.Table(rows, nil)
	p.Linef("failed reconnects: %d   leaks: %d   wrong errors: %d", k.Reconnects, k.Leaks, k.Wrong)
	k.printEnd(p)
}
