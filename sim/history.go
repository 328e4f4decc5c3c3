package sim

import (
	"fmt"
	"math"
)

// Operation is one operation of a history: what was called and what came back,
// with logical times. A Pending operation has no return: its process was killed or the
// execution ended first; checkers must treat it as possibly done, possibly not.
type Operation struct {
	Client  int   // index of the task that called
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

// Call records that the running task starts an operation and returns its index for [World.Return].
func (w *World) Call(input any) int {
	h := &w.hist
	h.time++
	client := -1
	if w.cur != nil {
		client = w.cur.id
	}
	h.ops = append(h.ops, Operation{Client: client, Call: h.time, Return: math.MaxInt64, Input: input, Pending: true})
	return len(h.ops) - 1
}

// Return records that operation op returned output.
func (w *World) Return(op int, output any) {
	h := &w.hist
	h.time++
	o := &h.ops[op]
	o.Return, o.Output, o.Pending = h.time, output, false
}

// History returns the operations so far, in order of their calls. The slice
// must not be kept beyond the execution.
func (w *World) History() []Operation { return w.hist.ops }
