package trace

// Status is what a replay says about a trace. The zero Status says nothing and
// is not green.
type Status uint8

// The statuses. Only OK and Drifted are green.
const (
	_ Status = iota
	// OK: the execution is the one that was recorded.
	OK
	// Drifted: every anchor was met and the verdict is the wanted one, but the
	// digest or the number of steps differs, because code that the trace does
	// not talk about changed. The trace still shows what it claims to show.
	Drifted
	// Stale: an anchor was never met, so what ran is not what the trace
	// describes and its verdict is no evidence. The trace must be
	// anchored anew or deleted.
	Stale
	// Broken: the verdict differs from the wanted one. Either the code broke or
	// it was repaired; the trace has done its work.
	Broken
	// Toothless: under the mutant that the trace claims to kill, the property it
	// names was not violated.
	Toothless
)

var statusText = [...]string{"unknown", "ok", "drifted", "stale", "broken", "toothless"}

// String returns the status in lower case.
func (s Status) String() string {
	if int(s) < len(statusText) {
		return statusText[s]
	}
	return statusText[0]
}

// Green says whether CI should accept the status.
func (s Status) Green() bool { return s == OK || s == Drifted }

// An Observation is what a replay of a trace saw.
type Observation struct {
	Verdict string // Pass, the property that was violated, or why there is no verdict
	Unmet   []int  // indices in the schedule of interventions whose anchor was never met
	Digest  uint64
	Steps   int
}

// Judge returns the status of t after a replay on the code as it is: OK,
// Drifted, Stale or Broken.
//
// An execution can be both stale and broken. A violation is a fact about the code
// however the execution came about, so an unwanted one is Broken even if
// anchors were not met. A pass is evidence only of the schedule that ran, so
// with an unmet anchor it is Stale, wanted or not: in particular, code that
// no longer reaches the anchors of a violation is not reported as repaired.
// Any other verdict, such as an exhausted budget, differs from every Want.
func Judge(t *Trace, got Observation) Status {
	unmet := len(got.Unmet) > 0
	switch {
	case got.Verdict != t.Want && !(unmet && got.Verdict == Pass):
		return Broken
	case unmet:
		return Stale
	case got.Digest != t.Digest || got.Steps != t.Steps:
		return Drifted
	}
	return OK
}

// JudgeMutant returns OK when a replay with k's mutant applied violated the
// property that k names, and Toothless otherwise. Another property's violation
// does not count: then the claim is wrong, and a person should correct it.
// Unmet anchors do not matter: a mutant may drop the very access that an anchor
// names, and the violation may end the execution before it comes to the last one.
func JudgeMutant(k Kill, got Observation) Status {
	if got.Verdict == k.Property {
		return OK
	}
	return Toothless
}
