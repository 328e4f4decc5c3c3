package load

import (
	"strings"
	"testing"
	"time"
)

// TestJudge: a task that ends with another error than the documented one, or does not end, is reported; what ended before
// the kill must have ended undisturbed.
func TestJudge(t *testing.T) {
	const killed = time.Second
	ends := func(task, kind string, at time.Duration) Ended { return Ended{task, kind, killed + at} }
	good := []Ended{ends("idle", "peer gone", 1), ends("stream", "peer gone", 3), ends("churn", "refused", 2)}
	for _, tt := range []struct {
		ended []Ended
		want  string
	}{
		{good, ""},
		{good[1:], "no task idle of the client has ended"},
		{append(good[1:], ends("idle", "reset", 1)), `task idle of the client ended with "reset", want peer gone`},
		{append(good, ends("echo", "EOF", -1)), ""},
		{append(good, ends("echo", "layer gone", -1)), `task echo of the client ended with "layer gone", want EOF or peer gone`},
		{append(good, ends("echo", "EOF", 1)), `task echo of the client ended with "EOF"`},
	} {
		times, err := Judge("server", "client", tt.ended, killed)
		if tt.want == "" && (err != nil || len(times) != 3) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%v: %v, %v, want %q", tt.ended, times, err, tt.want)
		}
	}
}

// TestJudgeOthers: what may end with the session layer need not.
func TestJudgeOthers(t *testing.T) {
	if times, err := Judge("layer", "server", nil, 1); err != nil || len(times) > 0 {
		t.Errorf("%v, %v", times, err)
	}
	if times, err := Judge("layer", "server", []Ended{{"echo", "layer gone", 3}}, 1); err != nil || len(times) != 1 {
		t.Errorf("%v, %v", times, err)
	}
	if _, err := Judge("layer", "server", []Ended{{"echo", "corrupt", 3}}, 1); err == nil {
		t.Error("a corrupt session is taken for one that has ended")
	}
}
