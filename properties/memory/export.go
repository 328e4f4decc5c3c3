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
	at     place // of the access that it is; zero if it is none
	sleeps bool  // the task goes to sleep there
	stops  bool  // it is no step: the task stops before its next one
}

// place is where an intervention can be anchored.
type place struct{ name, op string }

// follow gives a trace of s the schedule of the first n moves, the rest being what the tasks would do
// next; first is the task that begins where nothing is said. It returns false if the code as it is does not come to every place of it.
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

// switches returns where moves go from one task to another, each time before the next access of
// the one that they leave. Who goes to sleep, or is over, is
// left without that; with held, right before it sleeps, which comes to the same, but it can still be
// gone to. So is who stops.
func switches(first string, moves []move, n int, held bool) []exec.Intervention {
	type access struct {
		task string
		at   place
	}
	var schedule []exec.Intervention
	done := map[access]int{} // how often each was made
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

// nextOf returns where a task makes its next access; zero if it makes none.
func nextOf(moves []move, task string) place {
	i := slices.IndexFunc(moves, func(v move) bool { return v.task == task && v.at != place{} })
	if i < 0 {
		return place{}
	}
	return moves[i].at
}
