package scenario

import (
	"fmt"

	"cutthrough/sim/trace"
)

// Builder writes an [Input]. The zero Builder has no Source and writes what it is told; one
// with a Source also draws. Its Verbs are the operations that it writes.
type Builder struct {
	Src   Source
	Verbs Verbs
	Input Input
}

// Set gives a configuration key a value, which is written as fmt.Sprint does.
func (b *Builder) Set(name string, value any) {
	b.Input.Config = append(b.Input.Config, trace.KV{Key: name, Value: fmt.Sprint(value)})
}

// Number draws one of the values for a configuration key, and returns it. The first is the simplest.
func (b *Builder) Number(name string, values ...int) int {
	v := values[b.Src.Intn(len(values), name)]
	b.Set(name, v)
	return v
}

// Word draws one of the words for a configuration key, and returns it. The first is the simplest.
func (b *Builder) Word(name string, words ...string) string {
	w := words[b.Src.Intn(len(words), name)]
	b.Set(name, w)
	return w
}

// Op appends an operation to the workload. It panics if there is no [Verb] for it.
func (b *Builder) Op(proc string, do any) {
	b.Input.Workload = append(b.Input.Workload, b.Verbs.Text(proc, do))
}

// Must panics if err is not nil. It is for Setup functions: what a checked input cannot make fail.
func Must(err error) {
	if err != nil {
		panic(err)
	}
}
