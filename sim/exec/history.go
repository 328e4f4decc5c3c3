package exec

import (
	"encoding/json"
	"fmt"
	"math"
)

// Operation is one operation of a recorded history: what was called, what came back, and when. Times are logical, unique
// within the history. A Pending operation has no return: its process was killed or the execution ended first, so
// it may have taken effect or not.
type Operation struct {
	Client  int   // index of the task that called
	Call    int64 // logical time
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

// operationJSON is the form of an Operation in JSON: input and output as the text that %v gives.
type operationJSON struct {
	Client int    `json:"client" doc:"index of the task that called"`
	Call   int64  `json:"call" doc:"logical time of the call"`
	Return int64  `json:"return,omitempty" doc:"logical time of the return; absent if there was none"`
	Input  string `json:"input" doc:"what was called"`
	Output string `json:"output,omitempty" doc:"what came back"`
}

// MarshalJSON writes input and output as text: they are values of the program's own types.
func (o Operation) MarshalJSON() ([]byte, error) {
	j := operationJSON{Client: o.Client, Call: o.Call, Input: fmt.Sprint(o.Input)}
	if !o.Pending {
		j.Return, j.Output = o.Return, fmt.Sprint(o.Output)
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes. Input and Output are the texts then.
func (o *Operation) UnmarshalJSON(text []byte) error {
	var j operationJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	*o = Operation{Client: j.Client, Call: j.Call, Return: j.Return, Input: j.Input, Output: j.Output}
	if j.Return == 0 {
		o.Return, o.Output, o.Pending = math.MaxInt64, nil, true
	}
	return nil
}
