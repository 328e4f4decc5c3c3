package exec

// Names of the properties that the simulator checks in every execution. Programs add their own.
const (
	NoDeadlock   = "NoDeadlock"   // no task waits for ever
	NoLostWakeup = "NoLostWakeup" // ... while the condition that it waits for holds
	NoLivelock   = "NoLivelock"   // everything finishes once faults stop and scheduling is fair
	NoRace       = "NoRace"       // conflicting plain accesses are ordered
	NoLeak       = "NoLeak"       // a process that ends by itself released its resources
	NoPanic      = "NoPanic"      // no task panics
	Determinism  = "Determinism"  // equal choices give equal executions

	NoUseAfterUnmap = "NoUseAfterUnmap" // no access through a mapping that is gone
	OwnMapping      = "OwnMapping"      // a task uses only segments that its own process has mapped
	NoHang          = "NoHang"          // a task comes back to a hooked access within the limit of real time
	NoGoexit        = "NoGoexit"        // a task ends by returning
	TasksOnly       = "TasksOnly"       // only tasks of the simulation touch shared memory
)

// Pass is the verdict of an execution that violates no property. It is not the name of a property.
const Pass = "pass"

// Failure says which property an execution violated, and how.
type Failure struct {
	Property string `json:"property" doc:"the violated property"`
	Message  string `json:"message" doc:"how it was violated, one line or a few"`
	Task     string `json:"task,omitempty" doc:"the task that was running"`
	Step     int    `json:"step" doc:"the step at which it happened"`
}

// String returns property and message on one line or a few.
func (f Failure) String() string { return f.Property + ": " + f.Message }

// Liveness says whether the failure is of the kind "something never happens".
func (f Failure) Liveness() bool {
	switch f.Property {
	case NoDeadlock, NoLostWakeup, NoLivelock, NoHang:
		return true
	}
	return false
}
