package sim

import "fmt"

// Operation is one operation of a history: what was called and what came back,
// with the logical times (steps of the execution) of both. A Pending operation has no return: its
// process was killed or the execution ended first; checkers must treat it as
// possibly done, possibly not.
type Operation struct {
	Client  int   // dense index of the task that called
	Call    int64 // logical time, unique within the history
	Return  int64 // logical time; math.MaxInt64 when Pending
	Input   any
	Output  any // nil when Pending
	Pending bool
}

// String returns the operation on one line.
func (o Operation) String() string {
	if o.Pending {
		return fmt.Sprintf("client %d [%d, ?] %v -> pending", o.Client, o.Call, o.Input)
	}
	return fmt.Sprintf("client %d [%d, %d] %v -> %v", o.Client, o.Call, o.Return, o.Input, o.Output)
}
