package memory

import (
	"slices"

	"cutthrough/sim/exec"
	"cutthrough/sim/explore"
	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"
)

// move is a step of a run of a model, as the scheduler of a scenario sees it.
type move struct {
	task   string
	at     place // of its access; zero if it makes none
	sleeps bool  // the task goes to sleep there
	stops  bool  // not a step: the task stops before its next step
}

// place is the anchor of an intervention, without task and count.
type place struct{ name, op string }

// follow sets the schedule of a trace of s to the first n moves; the other moves are the next accesses of the tasks.
// first is the task that runs first by default. It returns false if the present code does not reach each anchor.
func follow(s *scenario.Scenario, t *trace.Trace, first string, moves []move, n int) (bool, error) {
	for _, held := range []bool{false, true} {
		t.Schedule = switches(first, moves, n, held)
		r, err := explore.Replay(s, t)
		if err != nil || len(r.Unmet) == 0 {
			return err == nil, err
		}
	}
	return false, nil
}

// switches returns a switch for each change of the task in moves, right before the next access of the task that is
// left. A task that goes to sleep or ends is left without a switch; with held, a task that goes to sleep is left
// right before it sleeps, which has the same effect, but the task stays enabled. A stop is also an intervention.
func switches(first string, moves []move, n int, held bool) []exec.Intervention {
	type access struct {
		task string
		at   place
	}
	var schedule []exec.Intervention
	done := map[access]int{} // number of times that each access was made
	on := first
	for i, v := range moves[:n] {
		next, nth := nextOf(moves[i:], on), 1
		if v.stops {
			next = nextOf(moves[i:], v.task)
			schedule = append(schedule, exec.Intervention{
				Task: v.task, Name: next.name, Op: next.op, Nth: done[access{v.task, next}] + 1, Effect: exec.Effect{Kind: exec.Stop},
			})
			on = ""
			continue
		}
		if i > 0 && moves[i-1].sleeps {
			next, nth = moves[i-1].at, 0
			if !held {
				next = place{}
			}
		}
		if v.task != on && next != (place{}) {
			schedule = append(schedule, exec.Intervention{
				Task: on, Name: next.name, Op: next.op, Nth: done[access{on, next}] + nth,
				Effect: exec.Effect{Kind: exec.Switch, Target: v.task},
			})
		}
		on = v.task
		done[access{on, v.at}]++
	}
	return schedule
}

// nextOf returns the place of the next access of a task; zero if there is none.
func nextOf(moves []move, task string) place {
	i := slices.IndexFunc(moves, func(v move) bool { return v.task == task && v.at != place{} })
	if i < 0 {
		return place{}
	}
	return moves[i].at
}
