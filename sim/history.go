package sim

import (
	"fmt"
	"math"

	"cutthrough/sim/exec"
)

// history collects operations of one execution.
type history struct {
	ops  []exec.Operation
	time int64
}

// Call records that the running task starts an operation and returns its index for [World.Return].
func (w *World) Call(input any) int {
	h := &w.hist
	h.time++
	client := -1
	if w.cur != nil {
		client = w.cur.id
	}
	w.trail(Called)
	h.ops = append(h.ops, exec.Operation{Client: client, Call: h.time, Return: math.MaxInt64, Input: input, Pending: true})
	if w.rec != nil {
		w.rec.event(exec.CallEvent, client, fmt.Sprint(input))
	}
	return len(h.ops) - 1
}

// Return records that operation op returned output.
func (w *World) Return(op int, output any) {
	h := &w.hist
	h.time++
	o := &h.ops[op]
	o.Return, o.Output, o.Pending = h.time, output, false
	w.trail(Returned)
	if w.rec != nil {
		w.rec.event(exec.ReturnEvent, o.Client, fmt.Sprint(output))
	}
}

// History returns the operations so far, in order of their calls. The slice
// must not be kept beyond the execution.
func (w *World) History() []exec.Operation { return w.hist.ops }
