package sim

import (
	"fmt"
	"time"

	"cutthrough/shm"
	"cutthrough/sim/exec"
)

// FaultSet is a set of fault kinds.
type FaultSet uint32

// Faults returns the set of kinds; it panics on a kind that is not a fault.
func Faults(kinds ...exec.Kind) FaultSet {
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
func (s FaultSet) Has(k exec.Kind) bool { return s>>k&1 != 0 }

// Config says how one execution is run. The zero value means: no faults, no
// record, no race detection, and the default step budget.
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
	// ChannelDepth is how many messages each direction of a control channel holds before Send blocks; 0 means 8.
	ChannelDepth int
	// HangLimit is how long a task may compute between two hooked accesses, in real time; 0 means 3 seconds. It has no influence
	// on an execution whose tasks come back.
	HangLimit time.Duration
	// BoundedLoops says that every loop of the program that polls words gives up by itself, and that this is to be seen:
	// the scheduler then lets a polling task go on alone, where it otherwise makes it wait until a word has changed.
	BoundedLoops bool
	// Record keeps the execution as data, see Outcome.Execution; without it an execution allocates little.
	Record bool
	// Decoder makes recorded messages readable. May be nil.
	Decoder Decoder
}

// A Decoder reads messages of the program under test for the record. Input may be anything; what a Decoder cannot read it
// leaves alone. It is called from one goroutine.
type Decoder interface {
	// Message returns what a message on a control channel says, or nil.
	Message(b []byte) *exec.Message
	// Word returns what the value of a word says, such as an event in a queue, or nil.
	Word(name shm.Name, value uint64) *exec.Message
}

// Outcome is what one execution did, as plain values.
type Outcome struct {
	Failure *exec.Failure // nil when everything held
	Steps   int
	Faults  int    // that happened
	Digest  uint64 // of every step and value
	// Cut says that the step budget ended the phase of free scheduling, so that the execution is not one of those
	// that a search wants to have seen.
	Cut bool
	// Execution is the record, if Config.Record is set.
	Execution *exec.Execution
}

// Verdict returns the violated property, or exec.Pass.
func (o *Outcome) Verdict() string {
	if o.Failure == nil {
		return exec.Pass
	}
	return o.Failure.Property
}
