package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"cutthrough/sim"

	"github.com/spf13/cobra"
)

func (a *Invocation) mergeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "merge FILE...",
		Short: "Add up the results of the shards of a search",
		Long: `Reads the results that explore --json has written for the shards of one search, checks that they are of
the same search and that each shard is there once, and shows the sum as explore shows its result. The
search counts as exhausted only if every shard is.`,
		Example: a.example(`  PROGRAM explore SCENARIO --strategy dpor --scope 3 --shard 1/2 --json > 1.json
  PROGRAM explore SCENARIO --strategy dpor --scope 3 --shard 2/2 --json > 2.json
  PROGRAM merge 1.json 2.json`),
		Args: Arguments(1, 1<<20, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := &Exploration{}
			return a.Perform(cmd, args, r, func(context.Context) error {
				sum, err := mergeFiles(args)
				if err == nil {
					sum.Header = r.Header
					a.Update(func() { *r = *sum })
				}
				return err
			})
		},
	}
}

// mergeFiles adds up the results in files, which must be all shards of one search.
func mergeFiles(paths []string) (*Exploration, error) {
	from := map[int]string{} // the file of each shard
	var sum *Exploration
	for _, path := range paths {
		r, err := readExploration(path)
		switch {
		case err != nil:
			return nil, Errorf(ExitUsage, "%s: %w", path, err)
		case from[r.Shard] != "":
			return nil, Errorf(ExitUsage, "%s: shard %d of %d, as %s is", path, r.Shard, r.Shards, from[r.Shard])
		case sum == nil:
			sum = r
		case r.identity() != sum.identity():
			return nil, Errorf(ExitUsage, "%s: another search (%s) than that of %s (%s)", path, r.identity(), paths[0], sum.identity())
		default:
			sum.add(r)
		}
		from[r.Shard] = path
	}
	var missing []string
	for i := 1; i <= sum.Shards; i++ {
		if from[i] == "" {
			missing = append(missing, fmt.Sprint(i))
		}
	}
	if missing != nil {
		return nil, Errorf(ExitInconclusive, "of %d shards these are missing: %s", sum.Shards, strings.Join(missing, ", "))
	}
	sum.Shard = 0
	sum.Outcome = sum.outcome(sum.Outcome == interrupted)
	return sum, nil
}

// readExploration reads what explore --shard --json has written.
func readExploration(path string) (*Exploration, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &Exploration{}
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("no result: %w", err)
	}
	switch {
	case r.Schema != schema || r.Command != "explore":
		return nil, fmt.Errorf("no result of explore: schema %q, command %q", r.Schema, r.Command)
	case r.Error != "":
		return nil, fmt.Errorf("the search failed: %s", r.Error)
	case r.Shards < 1 || r.Shard < 1 || r.Shard > r.Shards:
		return nil, fmt.Errorf("shard %d of %d: want the result of explore --shard I/N", r.Shard, r.Shards)
	}
	return r, nil
}

// identity is what the shards of one search have in common.
func (r *Exploration) identity() string {
	s := fmt.Sprintf("%s%s with %s, seed %d, %s, %d shards", r.Scenario, withMutant(r.Mutant), r.Strategies, r.Seed, Plural(r.Workers, "worker"), r.Shards)
	if r.Scope > 0 {
		s += fmt.Sprintf(", scope %d", r.Scope)
	}
	return s
}

// add adds another shard.
func (r *Exploration) add(o *Exploration) {
	r.Executions += o.Executions
	r.Steps += o.Steps
	r.Distinct += o.Distinct
	r.Cases += o.Cases
	r.Planned += o.Planned
	r.Checked += o.Checked
	r.Cut += o.Cut
	for i := range r.Lanes {
		r.Lanes[i].add(o.Lanes[i], r.Scope > 0)
	}
	for mark, n := range o.Sometimes {
		r.Sometimes[mark] += n
	}
	var unreached []string
	for _, mark := range r.Unreached {
		if r.Sometimes[mark] == 0 {
			unreached = append(unreached, mark)
		}
	}
	r.Unreached = unreached
	r.Coverage = sim.MergeCoverage(r.Coverage, o.Coverage)
	if v := o.Violation; v != nil && (r.Violation == nil || len(v.Schedule) < len(r.Violation.Schedule)) {
		r.Violation = v
	}
	if o.Outcome == interrupted {
		r.Outcome = interrupted
	}
}

// add adds the same strategy of another shard. In a scope each shard has cases of its own to exhaust; else the first shard
// alone runs what is exhaustive.
func (l *laneResult) add(o laneResult, scoped bool) {
	l.Executions += o.Executions
	l.Cut += o.Cut
	l.Redundant += o.Redundant
	if l.LeftOut == "" {
		l.LeftOut = o.LeftOut
	}
	if scoped && o.Exhausted == "" {
		l.Exhausted = ""
	} else if !scoped && l.Exhausted == "" {
		l.Exhausted = o.Exhausted
	}
}
