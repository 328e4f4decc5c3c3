package memory

import (
	"testing"

	"cutthrough/model/check"
	"cutthrough/model/evq"
)

// TestPromptEvqHolds: the machine of the event queue as the scenario has it violates none of what its
// counterexamples are looked for to. Else they would be about the limits of the scenario.
func TestPromptEvqHolds(t *testing.T) {
	for _, d := range evqAttempts(evq.Config{Slots: 1, Producers: 2, Events: 1}) {
		m, err := evq.New(d.Config)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, v := range evq.Variants() {
			x := promptEvq{m, v.Property, d.staying}
			if d.Events > 1 || seen[v.Property] || len(x.Properties()) == 0 {
				continue
			}
			seen[v.Property] = true
			r, err := check.Run(t.Context(), x, check.Options{})
			if err != nil || r.Verdict != check.Holds {
				t.Errorf("%s, staying %v, %q: %v, %v", m.Name(), d.staying, v.Property, r.Verdict, err)
			}
		}
	}
}
