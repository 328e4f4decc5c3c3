package scenario

import (
	"fmt"
	"slices"
	"strconv"

	"cutthrough/sim/trace"
)

// Op is an operation of a workload: the process Proc does what Do says. Do is a value of a type of the scenario, for which
// there is a [Verb].
type Op struct {
	Proc string
	Do   any
}

// Verb describes one operation: its name in a workload, the processes that may do it, and its arguments. [VerbOf] makes one.
type Verb struct {
	Name  string
	Procs []string
	Args  []Arg

	value func(args []int) any
	args  func(do any) ([]int, bool) // false: do is a value of another Verb
}

// Arg describes an argument of a [Verb]: a number from Min to Max.
type Arg struct {
	Name     string
	Min, Max int
}

// Field is an [Arg] and its place in values of type T.
type Field[T any] struct {
	Arg
	of func(*T) *int
}

// Number returns a field of T that is a number from min to max. The name is that of the argument, for people.
func Number[T any](name string, min, max int, of func(*T) *int) Field[T] {
	return Field[T]{Arg{name, min, max}, of}
}

// VerbOf returns the Verb of the operations that are equal to base but for the fields. The arguments of the Verb are the
// fields, in their order. A type that has one Verb has its zero value as base; Verbs that share a type have different ones.
func VerbOf[T comparable](name string, procs []string, base T, fields ...Field[T]) Verb {
	v := Verb{Name: name, Procs: procs}
	for _, f := range fields {
		v.Args = append(v.Args, f.Arg)
	}
	v.value = func(args []int) any {
		do := base
		for i, f := range fields {
			*f.of(&do) = args[i]
		}
		return do
	}
	v.args = func(do any) ([]int, bool) {
		typed, ok := do.(T)
		if !ok {
			return nil, false
		}
		args := make([]int, len(fields))
		for i, f := range fields {
			args[i] = *f.of(&typed)
		}
		return args, v.value(args) == do
	}
	return v
}

// Verbs are the operations of a scenario. A process has at most one Verb of each name, and at most one for each value.
type Verbs []Verb

// Text returns the operation as a workload has it. It panics if proc has no Verb for do.
func (vs Verbs) Text(proc string, do any) trace.Op {
	for _, v := range vs {
		if !slices.Contains(v.Procs, proc) {
			continue
		}
		if args, ok := v.args(do); ok {
			o := trace.Op{Proc: proc, Verb: v.Name}
			for _, n := range args {
				o.Args = append(o.Args, strconv.Itoa(n))
			}
			return o
		}
	}
	panic(fmt.Sprintf("scenario: %s has no verb for %#v", proc, do))
}

// read returns the operation that a workload has as text.
func (vs Verbs) read(o trace.Op) (Op, error) {
	i := slices.IndexFunc(vs, func(v Verb) bool { return v.Name == o.Verb && slices.Contains(v.Procs, o.Proc) })
	if i < 0 {
		return Op{}, fmt.Errorf("%s %s: no such operation", o.Proc, o.Verb)
	}
	v := vs[i]
	if len(o.Args) != len(v.Args) {
		return Op{}, fmt.Errorf("%s %s: has %d arguments, want %d", o.Proc, o.Verb, len(o.Args), len(v.Args))
	}
	args := make([]int, len(v.Args))
	for i, a := range v.Args {
		n, err := strconv.Atoi(o.Args[i])
		if err != nil || n < a.Min || n > a.Max {
			return Op{}, fmt.Errorf("%v: %s is %s, want a number from %d to %d", o, a.Name, o.Args[i], a.Min, a.Max)
		}
		args[i] = n
	}
	return Op{o.Proc, v.value(args)}, nil
}

// OpsOf returns what proc does, in its order. T is the type of all operations that proc may do, or an interface that they
// implement: it panics at an operation that is no T, because that is a mistake of the scenario.
func OpsOf[T any](ops []Op, proc string) []T {
	var mine []T
	for _, o := range ops {
		if o.Proc == proc {
			mine = append(mine, o.Do.(T))
		}
	}
	return mine
}
