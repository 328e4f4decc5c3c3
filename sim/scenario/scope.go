package scenario

import "iter"

// Menu is what one process of a workload may do.
type Menu struct {
	Proc string
	// Ops are the operations, the simplest first.
	Ops []any
	// Min is how many it does at least.
	Min int
	// Like says that the process differs from the one of the menu before in its name alone: workloads that are equal but for these names
	// come up once.
	Like bool
}

// Workloads returns all workloads of n operations from the menus, the simplest first. A workload that has been
// yielded is valid until the next one: for each menu, the indices of its operations in their order.
func Workloads(n int, menus []Menu) iter.Seq[[][]int] {
	return func(yield func([][]int) bool) {
		e := &enumeration{menus: menus, chosen: make([][]int, len(menus)), yield: yield}
		e.from(0, n)
	}
}

// enumeration goes through the workloads of one size.
type enumeration struct {
	menus  []Menu
	chosen [][]int
	yield  func([][]int) bool
}

// from chooses the operations of menu i and of those behind it, which are left in number; it says whether to go on.
func (e *enumeration) from(i, left int) bool {
	if i == len(e.menus) {
		return left > 0 || e.yield(e.chosen)
	}
	m, done := &e.menus[i], e.chosen[i]
	rest := 0
	for _, o := range e.menus[i+1:] {
		rest += o.Min
	}
	if len(done) >= m.Min && (!m.Like || !before(done, e.chosen[i-1])) {
		if !e.from(i+1, left) {
			return false
		}
	}
	if left <= rest {
		return true
	}
	for op := range m.Ops {
		e.chosen[i] = append(done, op)
		if !e.from(i, left-1) {
			return false
		}
	}
	e.chosen[i] = done
	return true
}

// before says whether a comes before b: shorter ones do, then those with the first smaller index.
func before(a, b []int) bool {
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// Write appends the operations of a workload to b.
func Write(b *Builder, menus []Menu, chosen [][]int) {
	for i, m := range menus {
		for _, op := range chosen[i] {
			b.Op(m.Proc, m.Ops[op])
		}
	}
}
