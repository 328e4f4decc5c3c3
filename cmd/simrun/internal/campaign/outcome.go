package campaign

import (
	"context"
	"fmt"
	"slices"
	"time"

	"cutthrough/sim/cli"

	"github.com/spf13/cobra"
)

// maxFailures is how many failures end a campaign: what follows would be more of the same.
const maxFailures = 10

// outcome is what every campaign finds out.
type outcome struct {
	cli.Header
	Failures    []string       `json:"failures" doc:"what went wrong, at most ten"`
	Threads     map[string]int `json:"threads" doc:"the most threads that each process had"`
	Took        time.Duration  `json:"took_ns" doc:"how long the campaign took, in nanoseconds"`
	Interrupted bool           `json:"interrupted" doc:"whether a signal ended the campaign early"`
}

// Code returns [cli.ExitViolated] if something went wrong.
func (o *outcome) Code() int {
	switch {
	case len(o.Failures) > 0:
		return cli.ExitViolated
	case o.Interrupted:
		return cli.ExitInterrupted
	}
	return cli.ExitHeld
}

// printEnd prints the end of a result: the threads, the failures and the verdict.
func (o *outcome) printEnd(p *cli.Printer) {
	if len(o.Threads) > 0 {
		p.Linef("most threads: layer %d, server %d, client %d", o.Threads["layer"], o.Threads["server"], o.Threads["client"])
	}
	for _, f := range o.Failures {
		p.Linef("%s  %s", p.Paint(cli.Red, "FAILED"), f)
	}
	verdict := "held"
	switch {
	case len(o.Failures) > 0:
		verdict = "violated"
	case o.Interrupted:
		verdict = "interrupted"
	}
	p.Linef("%s after %v", p.Status(verdict), o.Took.Round(time.Millisecond))
}

// runner runs one campaign: it has the result, and where progress goes.
type runner struct {
	a        *cli.Invocation
	ctx      context.Context
	crew     *crew
	out      *outcome
	progress *cli.Progress
	begun    time.Time
}

// fail records a failure, unless it is that of an interrupted campaign. It returns false when the campaign is to end.
func (r *runner) fail(err error) (goOn bool) {
	if r.ctx.Err() != nil {
		return false
	}
	r.a.Update(func() { r.out.Failures = append(r.out.Failures, err.Error()) })
	r.a.Say("FAILED: %v", err)
	return len(r.out.Failures) < maxFailures
}

// count counts what has gone wrong, unless that is because the campaign was interrupted.
func (r *runner) count(n *int) {
	if r.ctx.Err() == nil {
		r.a.Update(func() { *n++ })
	}
}

// sayEvery is how many rounds there are between the lines that say how far a campaign is, where no terminal shows it.
const sayEvery = 1000

// did shows that a round is over.
func (r *runner) did(round, of int, noun string) {
	text := func(elapsed time.Duration) string {
		return fmt.Sprintf("%s of %s after %v", cli.Count(round), cli.Plural(of, noun), elapsed.Round(time.Second))
	}
	r.progress.Update(text)
	if round%sayEvery == 0 {
		r.a.Say("%s", text(time.Since(r.begun)))
	}
}

// saw notes the threads of a trio.
func (r *runner) saw(t *trio) {
	r.a.Update(func() {
		for name, n := range t.threads {
			r.out.Threads[name] = max(r.out.Threads[name], n)
		}
	})
}

// perform runs a campaign as cmd, and shows its result.
func perform(a *cli.Invocation, cmd *cobra.Command, args []string, result cli.Result, out *outcome, run func(*runner)) error {
	out.Failures, out.Threads = []string{}, map[string]int{}
	return a.Perform(cmd, args, result, func(ctx context.Context) error {
		r := &runner{a, ctx, newCrew(ctx), out, a.Progress(), time.Now()}
		defer r.crew.end()
		defer r.progress.Finish()
		run(r)
		a.Update(func() { out.Took, out.Interrupted = time.Since(r.begun), ctx.Err() != nil })
		return nil
	})
}

// figures are the distribution of some times.
type figures struct {
	Count int           `json:"count" doc:"how many there were"`
	P50   time.Duration `json:"p50_ns" doc:"half took no longer, in nanoseconds"`
	P99   time.Duration `json:"p99_ns" doc:"99 of 100 took no longer"`
	Max   time.Duration `json:"max_ns" doc:"none took longer"`
}

// figuresOf returns the figures of times, which it sorts.
func figuresOf(times []time.Duration) figures {
	if len(times) == 0 {
		return figures{}
	}
	slices.Sort(times)
	n := len(times)
	return figures{n, times[(n-1)/2], times[(n-1)*99/100], times[n-1]}
}

// cells returns the figures as cells of a table.
func (f figures) cells() []string { return []string{short(f.P50), short(f.P99), short(f.Max)} }

// short writes a time with three or four digits.
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%d µs", d.Microseconds())
}
