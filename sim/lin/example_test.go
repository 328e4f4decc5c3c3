package lin_test

import (
	"fmt"

	"cutthrough/sim/exec"
	"cutthrough/sim/lin"
)

// A register that holds a number: its state is the number.
type register struct{}

// write asks a register to hold n; any other input reads it. Outputs are what was read.
type request struct {
	write bool
	n     int
}

func (register) Init() int { return 0 }

func (register) Step(s int, in request, out int) (int, bool) {
	if in.write {
		return in.n, true
	}
	return s, out == s
}

func (register) Crash(s int, in request) []int {
	if in.write && in.n != s {
		return []int{s, in.n}
	}
	return []int{s}
}

// A reader that began after the write of 7 had returned must not see the old value.
func ExampleNew() {
	checker := lin.New(register{})
	history := []exec.Operation{
		{Client: 0, Call: 1, Return: 4, Input: request{write: true, n: 7}, Output: 0},
		{Client: 1, Call: 2, Return: 3, Input: request{}, Output: 0},
	}
	fmt.Println(checker.Check(history, 0))
	history = append(history, exec.Operation{Client: 1, Call: 5, Return: 6, Input: request{}, Output: 0})
	fmt.Println(checker.Check(history, 0))
	// Output:
	// linearizable
	// not linearizable: no order of the 3 operations is legal
}

// Registers that do not influence each other are searched one by one.
func ExampleNewPartitioned() {
	type at struct {
		request
		place string
	}
	checker := lin.NewPartitioned(placed[at]{func(a at) request { return a.request }}, func(a at) string { return a.place })
	history := []exec.Operation{
		{Client: 0, Call: 1, Return: 2, Input: at{request{write: true, n: 7}, "x"}, Output: 0},
		{Client: 1, Call: 3, Return: 4, Input: at{request{}, "y"}, Output: 0},
		{Client: 1, Call: 5, Return: 6, Input: at{request{}, "x"}, Output: 7},
	}
	fmt.Println(checker.Check(history, 0))
	// Output:
	// linearizable
}

// placed is a register whose requests also say which one they are about.
type placed[T any] struct{ of func(T) request }

func (p placed[T]) Init() int                             { return 0 }
func (p placed[T]) Step(s int, in T, out int) (int, bool) { return register{}.Step(s, p.of(in), out) }
func (p placed[T]) Crash(s int, in T) []int               { return register{}.Crash(s, p.of(in)) }
