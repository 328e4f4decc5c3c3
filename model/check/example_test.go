package check_test

import (
	"context"
	"fmt"

	"cutthrough/model/check"
)

// light is a crossing: two cars, each of which is away, waiting, or on it.
type light [2]byte

const (
	away = iota
	waiting
	crossing
)

// crossroads lets a car go when it waits. No car looks left.
type crossroads struct{}

func (crossroads) Name() string { return "crossroads cars=2" }

func (crossroads) Actions() []string { return []string{"arrive", "go", "leave"} }

func (crossroads) Init() []light { return []light{{}} }

func (crossroads) Next(s light, emit func(int, light)) {
	for car := range s {
		t := s
		t[car] = (s[car] + 1) % 3
		emit(int(s[car]), t)
	}
}

func (crossroads) Properties() []check.Property[light] {
	return []check.Property[light]{
		check.Invariant("no crash", func(s light) bool { return s != light{crossing, crossing} }),
		check.Reachable("both wait", func(s light) bool { return s == light{waiting, waiting} }),
	}
}

func Example() {
	r, err := check.Run(context.Background(), crossroads{}, check.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, o := range r.Outcomes {
		fmt.Println(o.Kind, o.Name+":", o.Verdict)
		for _, step := range o.Trace {
			fmt.Println("  ", step.Text, step.Name)
		}
	}
	// Output:
	// always no crash: violated
	//    [0 0] init
	//    [1 0] arrive
	//    [2 0] go
	//    [2 1] arrive
	//    [2 2] go
	// sometimes both wait: holds
}
