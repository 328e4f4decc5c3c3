package scenario_test

import (
	"fmt"

	"cutthrough/sim/scenario"
)

// Operations of two processes that pass bytes through streams.
type (
	write struct{ stream, bytes int }
	flush struct{}
)

var verbs = scenario.Verbs{
	scenario.VerbOf("write", []string{"a", "b"}, write{},
		scenario.Number("stream", 0, 7, func(w *write) *int { return &w.stream }),
		scenario.Number("bytes", 1, 4096, func(w *write) *int { return &w.bytes })),
	scenario.VerbOf("flush", []string{"a"}, flush{}),
}

// One table writes operations and reads them.
func ExampleVerbOf() {
	b := scenario.Builder{Verbs: verbs}
	b.Op("a", write{stream: 3, bytes: 100})
	b.Op("a", flush{})
	b.Op("b", write{bytes: 1})
	fmt.Println(b.Input.Workload)

	_, ops, err := scenario.ReadInput(b.Input, nil, verbs)
	for _, o := range scenario.OpsOf[any](ops, "a") {
		switch o := o.(type) {
		case write:
			fmt.Println("write", o.bytes, "bytes to stream", o.stream)
		case flush:
			fmt.Println("flush")
		}
	}
	for _, o := range scenario.OpsOf[write](ops, "b") {
		fmt.Println("b writes", o.bytes)
	}
	b.Op("b", write{stream: 8, bytes: 1})
	_, _, bad := scenario.ReadInput(b.Input, nil, verbs)
	fmt.Println(err, bad)
	// Output:
	// [a write 3 100 a flush b write 0 1]
	// write 100 bytes to stream 3
	// flush
	// b writes 1
	// <nil> workload operation 4: b write 8 1: stream is 8, want a number from 0 to 7
}
