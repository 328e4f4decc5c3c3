package load

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// survivors say, by the process that is killed, which tasks of the others end, and the kinds of errors that they may end
// with. Sessions need no session layer.
var survivors = map[string]map[string]map[string][]string{
	"client": {
		"server": {"echo": {"peer gone", "EOF"}}, // the client may have been closing
	},
	"server": {
		"client": {"idle": {"peer gone"}, "stream": {"peer gone"}, "churn": {"peer gone", "refused"}},
	},
	"layer": {
		"client": {"churn": {"layer gone"}},
	},
}

// others say in the same way which tasks may end. The session layer tells the server of a session first: if it is killed
// before it tells the client, the session ends: after a while, or when the client has closed its other sessions. Unload
// closes sessions in the middle of a message.
var others = map[string]map[string]map[string][]string{
	"layer": {"server": {"echo": {"layer gone", "peer gone", "EOF", "reset", "pipe"}}},
}

// Survivors returns the names of the processes whose tasks end when victim, one of "layer", "server" and "client", is
// killed.
func Survivors(victim string) []string { return slices.Sorted(maps.Keys(survivors[victim])) }

// Ends returns the names of the tasks of a survivor that end.
func Ends(victim, survivor string) []string {
	return slices.Sorted(maps.Keys(survivors[victim][survivor]))
}

// undisturbed are the errors with which an echo ends before the kill: its client has closed the session, or the last
// client was killed while it dialled.
var undisturbed = []string{"EOF", "peer gone"}

// Judge returns how long after the kill each task of a survivor has ended, or an error if one has ended as it should not,
// or has not.
func Judge(victim, survivor string, ended []Ended, killed time.Duration) ([]time.Duration, error) {
	tasks := survivors[victim][survivor]
	var times []time.Duration
	seen := map[string]bool{}
	for _, e := range ended {
		want := undisturbed
		if e.At >= killed {
			want = slices.Concat(tasks[e.Task], others[victim][survivor][e.Task])
			seen[e.Task] = true
			times = append(times, e.At-killed)
		}
		if !slices.Contains(want, e.Kind) {
			return nil, fmt.Errorf("task %s of the %s ended with %q, want %s", e.Task, survivor, e.Kind, strings.Join(want, " or "))
		}
	}
	for _, task := range Ends(victim, survivor) {
		if !seen[task] {
			return nil, fmt.Errorf("no task %s of the %s has ended", task, survivor)
		}
	}
	return times, nil
}
