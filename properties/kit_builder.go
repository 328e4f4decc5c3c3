package properties

import (
	"cutthrough/sim"
	"cutthrough/sim/trace"
	"fmt"
	"strconv"
)

// builder collects a generated case.
type builder struct {
	src sim.Source
	c   sim.Case
}

func (b *builder) set(name string, value any) {
	b.c.Config = append(b.c.Config, trace.KV{Key: name, Value: fmt.Sprint(value)})
}

// number draws one of the values for a key; the first is the simplest.
func (b *builder) number(name string, values ...int) int {
	v := values[b.src.Intn(len(values), name)]
	b.set(name, v)
	return v
}

// word draws one of the words for a key; the first is the simplest.
func (b *builder) word(name string, words ...string) string {
	w := words[b.src.Intn(len(words), name)]
	b.set(name, w)
	return w
}

func (b *builder) op(proc, verb string, args ...int) {
	o := trace.Op{Proc: proc, Verb: verb}
	for _, a := range args {
		o.Args = append(o.Args, strconv.Itoa(a))
	}
	b.c.Workload = append(b.c.Workload, o)
}

func (b *builder) ops(all []op) {
	for _, o := range all {
		b.op(o.proc, o.verb, o.args...)
	}
}

// must is for setup, which a checked case cannot make fail.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
