package exec_test

import (
	"encoding/json"
	"math"
	"testing"

	"cutthrough/sim/exec"

	"github.com/google/go-cmp/cmp"
)

// TestExecutionSurvivesJSON: what another process writes is what this one reads.
func TestExecutionSurvivesJSON(t *testing.T) {
	read, wrote := uint64(math.MaxUint64), uint64(0)
	x := exec.Execution{
		Schema: exec.Schema, Steps: 2, Faults: 1, Cut: true, Digest: math.MaxUint64,
		Processes: []exec.Process{{Name: "a", Killed: true}, {Name: "b", Service: true}},
		Tasks:     []exec.Task{{Name: "a", Process: 0, State: exec.Waiting, At: exec.Access{Name: "x", Op: "load", Object: 1}}},
		Objects:   []exec.Object{{}, {Kind: "segment"}},
		Events: []exec.Event{
			{Kind: exec.StepEvent, Step: 1, Access: exec.Access{Name: "x", Op: "cas", Object: 1, Off: 64, Len: 8}, Nth: 1, Read: &read, Wrote: &wrote, Clock: []uint32{1}},
			{Kind: exec.NoteEvent, Task: -1, Text: "<->"},
		},
		Interventions: []exec.Intervention{{Task: "a", Name: "x", Op: "cas", Nth: 1, Effect: exec.Effect{Kind: exec.Kill, Target: "a"}}},
		History: []exec.Operation{
			{Client: 0, Call: 1, Return: 2, Input: "put 1", Output: "<nil>"},
			{Client: 0, Call: 3, Return: math.MaxInt64, Input: "get", Pending: true},
		},
		Failure: &exec.Failure{Property: exec.NoLeak, Message: "1\n2", Task: "a", Step: 2},
	}
	text, err := json.Marshal(&x)
	if err != nil {
		t.Fatal(err)
	}
	var got exec.Execution
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(x, got); diff != "" {
		t.Error(diff)
	}
	if err := json.Unmarshal([]byte(`{"history":[1]}`), &got); err == nil {
		t.Error("a number is no operation")
	}
}
