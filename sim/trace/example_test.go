package trace_test

import (
	"fmt"

	"cutthrough/sim/exec"
	"cutthrough/sim/trace"
)

// A trace is made, written as text, and read back; then the result of a replay is judged.
func Example() {
	t := &trace.Trace{
		Story:    []string{"The reader looks between the two stores."},
		Scenario: "mailbox",
		Workload: []trace.Op{{Proc: "writer", Verb: "put", Args: []string{"7"}}},
		Schedule: []exec.Intervention{{
			Task: "writer", Name: "mail.full", Op: "store", Nth: 1,
			Effect: exec.Effect{Kind: exec.Switch, Target: "reader"},
		}},
		Want: trace.Pass, Kills: []trace.Kill{{Mutant: "full-before-value", Property: "Delivered"}},
		Digest: 0xcea048bd048ca705, Steps: 17,
	}
	text := trace.Format(t)
	fmt.Printf("%s", text)
	back, err := trace.Parse("mailbox.trace", text)
	if err != nil {
		panic(err)
	}
	fmt.Println(trace.Judge(back, trace.Observation{Verdict: trace.Pass, Digest: t.Digest, Steps: 17}))
	fmt.Println(trace.Judge(back, trace.Observation{Verdict: "Delivered"}))
	// Output:
	// simtrace v1
	// # The reader looks between the two stores.
	// scenario  mailbox
	// workload
	//   writer  put 7
	// schedule
	//   writer  @ mail.full store  #1  -> reader
	// want      pass
	// kills     full-before-value  Delivered
	// digest    cea048bd048ca705  steps=17
	// ok
	// broken
}
