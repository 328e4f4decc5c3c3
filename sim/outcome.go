package sim

import (
	"fmt"

	"cutthrough/shm"
	"cutthrough/shm/access"
)

// Names of the properties that every execution is checked for. Programs add
// theirs with Always, AtEnd and Fail.
const (
	NoDeadlock   = "NoDeadlock"   // no task waits for ever
	NoLostWakeup = "NoLostWakeup" // ... while what it waits for holds
	NoLivelock   = "NoLivelock"   // everything finishes once faults stop and scheduling is fair
	NoRace       = "NoRace"       // conflicting plain accesses are ordered
	NoLeak       = "NoLeak"       // a process that ends by itself released what it had
	NoPanic      = "NoPanic"
	Determinism  = "Determinism" // equal choices give equal executions

	NoUseAfterUnmap = "NoUseAfterUnmap" // no access through a mapping that is gone
)

// Failure says which property an execution violated, and how.
type Failure struct {
	Property string
	Message  string
	Task     string // the task that was running
	Step     int
}

// String returns property and message on one line or a few.
func (f Failure) String() string { return f.Property + ": " + f.Message }

// Liveness says whether the failure is of the kind "something never happens".
func (f Failure) Liveness() bool {
	return f.Property == NoDeadlock || f.Property == NoLostWakeup || f.Property == NoLivelock
}

// Intervention is one choice other than 0, anchored by what the task was about
// to do: an anchor survives edits elsewhere, a step number does not.
type Intervention struct {
	Task   int
	Name   shm.Name
	Op     access.Op
	Nth    int
	Effect Effect
}

// Outcome is what one execution did.
type Outcome struct {
	Failure       *Failure // nil when everything held
	Steps         int
	Faults        int    // that happened
	Digest        uint64 // of every step and value
	Interventions []Intervention
	History       []Operation
	Log           []Step // when Config.Log

	world *World
}

// Step is one line of an execution's log: an access or call, an
// intervention (Effect is not Continue), or a note.
type Step struct {
	Task     int
	Name     shm.Name
	Op       access.Op
	Nth      int
	Off, Len uint64
	Value    uint64
	OK       bool // a compare-and-swap that succeeded
	HasValue bool
	Effect   Effect
	Note     string
}

// FaultSet is a set of fault kinds.
type FaultSet uint32

// Faults returns the set of kinds; it panics on a kind that is not a fault.
func Faults(kinds ...EffectKind) FaultSet {
	var s FaultSet
	for _, k := range kinds {
		if !k.Fault() {
			panic(fmt.Sprintf("sim: %s is not a fault", k))
		}
		s |= 1 << k
	}
	return s
}

// Has says whether k is in the set.
func (s FaultSet) Has(k EffectKind) bool { return s>>k&1 != 0 }

// Config says how one execution is run. The zero value means: no faults, no
// log, no race detection, and the default step budget.
type Config struct {
	// MaxSteps is the step budget of the phase with faults and free scheduling, and again of
	// the fair phase that follows it; 0 means 20,000.
	MaxSteps int
	// Faults are the kinds that may happen, MaxFaults how many in one execution.
	Faults    FaultSet
	MaxFaults int
	// Races turns on the data race detector.
	Races bool
	// Leaks demands that processes that end by themselves released everything.
	Leaks bool
	// MaxTasks bounds the tasks of one execution, those that tasks start included; 0 means 16, and 64
	// is the most. The race detector's cost grows with it.
	MaxTasks int
	// Log records every step; without it an execution allocates little.
	Log bool
}

// history collects operations of one execution.
type history struct {
	ops  []Operation
	time int64
}
