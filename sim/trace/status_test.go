package trace_test

import (
	"testing"

	"cutthrough/sim/trace"
)

func TestJudge(t *testing.T) {
	pass := &trace.Trace{Want: trace.Pass, Digest: 1, Steps: 17}
	violation := &trace.Trace{Want: "NoDeadlock", Digest: 1, Steps: 17}
	met, unmet := []int(nil), []int{1}
	for _, c := range []struct {
		name string
		t    *trace.Trace
		got  trace.Observation
		want trace.Status
	}{
		{"same pass", pass, trace.Observation{Verdict: "pass", Unmet: met, Digest: 1, Steps: 17}, trace.OK},
		{"same violation", violation, trace.Observation{Verdict: "NoDeadlock", Unmet: met, Digest: 1, Steps: 17}, trace.OK},
		{"other digest", pass, trace.Observation{Verdict: "pass", Unmet: met, Digest: 2, Steps: 17}, trace.Drifted},
		{"other steps", violation, trace.Observation{Verdict: "NoDeadlock", Unmet: met, Digest: 1, Steps: 18}, trace.Drifted},
		{"pass without anchor", pass, trace.Observation{Verdict: "pass", Unmet: unmet, Digest: 1, Steps: 17}, trace.Stale},
		{"violation without anchor", violation, trace.Observation{Verdict: "NoDeadlock", Unmet: unmet, Digest: 1, Steps: 17}, trace.Stale},
		{"pass of another execution without anchor", pass, trace.Observation{Verdict: "pass", Unmet: unmet, Digest: 2, Steps: 18}, trace.Stale},
		{"first anchor unmet", pass, trace.Observation{Verdict: "pass", Unmet: []int{0}, Digest: 1, Steps: 17}, trace.Stale},
		{"regression", pass, trace.Observation{Verdict: "NoDeadlock", Unmet: met, Digest: 1, Steps: 17}, trace.Broken},
		{"repaired", violation, trace.Observation{Verdict: "pass", Unmet: met, Digest: 1, Steps: 17}, trace.Broken},
		{"other violation", violation, trace.Observation{Verdict: "NoLeak", Unmet: met, Digest: 1, Steps: 17}, trace.Broken},
		{"out of budget", pass, trace.Observation{Verdict: "inconclusive", Unmet: met, Digest: 1, Steps: 17}, trace.Broken},
		{"no verdict", pass, trace.Observation{Verdict: "", Unmet: met, Digest: 1, Steps: 17}, trace.Broken},
		// Both stale and broken: a violation counts, a pass does not.
		{"regression without anchor", pass, trace.Observation{Verdict: "NoDeadlock", Unmet: unmet, Digest: 1, Steps: 17}, trace.Broken},
		{"other violation without anchor", violation, trace.Observation{Verdict: "NoLeak", Unmet: unmet, Digest: 1, Steps: 17}, trace.Broken},
		{"unreachable, so not repaired", violation, trace.Observation{Verdict: "pass", Unmet: unmet, Digest: 1, Steps: 17}, trace.Stale},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := trace.Judge(c.t, c.got); got != c.want {
				t.Errorf("Judge = %v, want %v", got, c.want)
			}
		})
	}
}

func TestJudgeMutant(t *testing.T) {
	kill := trace.Kill{Mutant: "skip-recheck", Property: "NoDeadlock"}
	for _, c := range []struct {
		got  trace.Observation
		want trace.Status
	}{
		{trace.Observation{Verdict: "NoDeadlock"}, trace.OK},
		{trace.Observation{Verdict: "NoDeadlock", Unmet: []int{0}}, trace.OK},
		{trace.Observation{Verdict: trace.Pass}, trace.Toothless},
		{trace.Observation{Verdict: "NoLeak"}, trace.Toothless},
		{trace.Observation{}, trace.Toothless},
	} {
		if got := trace.JudgeMutant(kill, c.got); got != c.want {
			t.Errorf("JudgeMutant(%+v) = %v, want %v", c.got, got, c.want)
		}
	}
}

func TestStatus(t *testing.T) {
	for s, want := range map[trace.Status]struct {
		text  string
		green bool
	}{
		0:               {"unknown", false},
		trace.OK:        {"ok", true},
		trace.Drifted:   {"drifted", true},
		trace.Stale:     {"stale", false},
		trace.Broken:    {"broken", false},
		trace.Toothless: {"toothless", false},
		255:             {"unknown", false},
	} {
		if s.String() != want.text || s.Green() != want.green {
			t.Errorf("Status(%d): %v, green %v; want %+v", uint8(s), s, s.Green(), want)
		}
	}
}
