package session

import (
	"testing"

	"cutthrough/sim"
	"cutthrough/sim/explore"
	"cutthrough/sim/trace"
)

// TestDecoder: the record of a session says which messages were sent and received, and which events were posted.
func TestDecoder(t *testing.T) {
	const path = "../../traces/connect-accept-fifos-not-crossed.trace"
	tr, err := trace.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range Scenarios() {
		if s.Name != tr.Scenario {
			continue
		}
		v, err := explore.Replay(s, tr)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, e := range v.Execution.Events {
			if e.Message != nil {
				seen[e.Op+" "+e.Message.Name] = true
			} else if e.Op == "send" {
				t.Errorf("step %d of %s is a message that is not decoded", e.Step, v.Execution.Tasks[e.Task].Name)
			}
		}
		// A receiver that had to wait got the message at the end of its wait.
		for _, want := range []string{"send attach", "recv attach", "send connect", "block connect", "send accept", "block map", "send unmap", "cas event"} {
			if !seen[want] {
				t.Errorf("%s is not in the record: %v", want, seen)
			}
		}
		return
	}
	t.Fatalf("no scenario %s", tr.Scenario)
}

// TestDecoderTakesAnything: what is no message is left alone.
func TestDecoderTakesAnything(t *testing.T) {
	var d sim.Decoder = decoder{}
	if m := d.Message([]byte("no message")); m != nil {
		t.Error(m)
	}
	if m := d.Word(0, 1<<32); m != nil {
		t.Error(m)
	}
}
