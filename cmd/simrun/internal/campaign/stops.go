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

// stopsResult is what a campaign of stops found out.
type stopsResult struct {
	outcome
	Rounds  int           `json:"rounds" doc:"stops that were asked for"`
	Longest time.Duration `json:"longest_ns" doc:"the longest stop that was asked for, in nanoseconds"`
	Stopped []stopFigures `json:"stopped" doc:"the stops, by the process that was stopped"`
	Deaths  int           `json:"false_deaths" doc:"stops after which a session had ended, or did not go on"`
}

// stopFigures are about the stops of one process.
type stopFigures struct {
	Process string  `json:"process" doc:"the process"`
	Stops   int     `json:"stops" doc:"how often it was stopped"`
	Again   figures `json:"goes_on" doc:"time from the end of a stop until messages and connects go on"`

	times []time.Duration
}

func stopsCommand(a *cli.Invocation) *cobra.Command {
	var rounds int
	var longest time.Duration
	cmd := &cobra.Command{
		Use:   "stops",
		Short: "SIGSTOP to session layer, server and client in turn, and SIGCONT later",
		Long: `The applications exchange messages, and open and close sessions. One process is stopped for a random time. While it is the
session layer, messages of sessions must go on. After every stop the same sessions must go on: a process that is stopped is
not dead. A stop must be shorter than the timeouts of the session layer, see simrun help serve.`,
		Example: "  simrun campaign stops --rounds 1000\n  simrun campaign stops --rounds 10 --longest 3s",
		Args:    cli.Arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := &stopsResult{Rounds: rounds, Longest: longest}
			if longest <= 0 {
				return cli.Errorf(cli.ExitUsage, "--longest %v: want more than 0", longest)
			}
			for _, name := range names {
				r.Stopped = append(r.Stopped, stopFigures{Process: name})
			}
			return perform(a, cmd, args, r, &r.outcome, r.run)
		},
	}
	cmd.Flags().IntVar(&rounds, "rounds", 100, "how many stops")
	cmd.Flags().DurationVar(&longest, "longest", 200*time.Millisecond, "the longest stop")
	return cmd
}

func (s *stopsResult) run(r *runner) {
	r.a.Say("stopping processes %d times", s.Rounds)
	t, err := newTrio(r.crew, noLinger)
	if err != nil {
		r.fail(err)
		return
	}
	defer t.end()
	if _, err := call[agent.None](t.client, "Load", agent.None{}); err != nil {
		r.fail(err)
		return
	}
	rng := rand.New(rand.NewPCG(5, 2))
	for round := range s.Rounds {
		if r.ctx.Err() != nil {
			return
		}
		pause := time.Duration(1 + rng.Int64N(int64(s.Longest)))
		if err := s.round(r, t, &s.Stopped[round%len(s.Stopped)], pause); err != nil {
			r.count(&s.Deaths)
			r.fail(fmt.Errorf("round %d: %w", round+1, err))
			return // the load is not what it was
		}
		r.did(round+1, s.Rounds, "stop")
	}
	if _, err := call[agent.None](t.client, "Unload", agent.None{}); err != nil {
		r.fail(err)
	} else if err := t.leaks(); err != nil {
		r.fail(err)
	}
	r.saw(t)
}

// round stops a process for a time, and wants all that was there to go on.
func (s *stopsResult) round(r *runner, t *trio, f *stopFigures, pause time.Duration) error {
	p := t.process(f.Process)
	if err := p.stop(); err != nil {
		return err
	}
	stopped := time.NewTimer(pause)
	defer stopped.Stop()
	if f.Process == "layer" {
		if err := progress(t, "stream"); err != nil {
			return fmt.Errorf("the layer is stopped: %w", err)
		}
	}
	select {
	case <-stopped.C:
	case <-r.ctx.Done():
	}
	begun := time.Now()
	if err := p.resume(); err != nil {
		return err
	}
	for _, task := range []string{"stream", "churn"} {
		if err := progress(t, task); err != nil {
			return fmt.Errorf("the %s was stopped for %v: %w", f.Process, pause, err)
		}
	}
	r.a.Update(func() {
		f.Stops++
		f.times = append(f.times, time.Since(begun))
		f.Again = figuresOf(f.times)
	})
	return nil
}

// progress wants a task of the client to do something more, and all tasks to be as alive as before.
func progress(t *trio, task string) error {
	ok, err := call[bool](t.client, "Progress", agent.ProgressCall{Task: task, N: 3, Limit: patience / 2})
	if err != nil {
		return err
	}
	ended, err := call[[]load.Ended](t.client, "Ended", []string(nil))
	if err != nil {
		return err
	}
	for _, e := range ended {
		return fmt.Errorf("task %s of the client ended with %q", e.Task, e.Kind)
	}
	if !ok {
		return errors.New("the " + task + " does not go on")
	}
	return nil
}

// Print implements [cli.Result].
func (s *stopsResult) Print(p *cli.Printer) {
	rows := [][]string{{"stopped", "times", "goes on p50", "p99", "max"}}
	for _, f := range s.Stopped {
		rows = append(rows, append([]string{f.Process, cli.Count(f.Stops)}, f.Again.cells()...))
	}
	p.Table(rows, nil)
	p.Linef("false deaths: %d   longest stop: %v", s.Deaths, s.Longest)
	s.printEnd(p)
}
