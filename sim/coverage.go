package sim

import (
	"fmt"
	"slices"
	"strings"

	"cutthrough/shm"
	"cutthrough/shm/access"
	"cutthrough/sim/exec"
)

// coverage counts, for every (call site, fault) pair that was possible, how
// often it was offered and how often it happened.
type coverage struct {
	cells []faultCount // by (name, op, kind)
}

type faultCount struct{ offered, hit uint64 }

func coverageIndex(name shm.Name, op access.Op, k exec.Kind) int {
	return (int(name)*int(access.NumOps)+int(op))*int(exec.NumKinds) + int(k)
}

func (c *coverage) at(name shm.Name, op access.Op, k exec.Kind) *faultCount {
	i := coverageIndex(name, op, k)
	if i >= len(c.cells) {
		c.cells = append(c.cells, make([]faultCount, 1+i-len(c.cells))...)
	}
	return &c.cells[i]
}

func (r *engine) cover(p *Point) {
	for _, e := range p.faults {
		r.coverage.at(p.Name, p.Op, e.kind).offered++
	}
}

func (r *engine) hit(p *Point, k exec.Kind) {
	r.coverage.at(p.Name, p.Op, k).hit++
}

// FaultCoverage is one (call site, fault) pair: how often the fault was
// possible there and how often it was made to happen.
type FaultCoverage struct {
	Site    string `json:"site"`
	Fault   string `json:"fault"`
	Offered uint64 `json:"offered"`
	Hit     uint64 `json:"hit"`
}

// Coverage returns the pairs seen so far, sorted by site and fault.
func (r *Runner) Coverage() []FaultCoverage {
	var fs []FaultCoverage
	for i, c := range r.coverage.cells {
		if c.offered == 0 {
			continue
		}
		k := exec.Kind(i % int(exec.NumKinds))
		j := i / int(exec.NumKinds)
		s := Access{Name: shm.Name(j / int(access.NumOps)), Op: access.Op(j % int(access.NumOps))}
		fs = append(fs, FaultCoverage{s.String(), k.String(), c.offered, c.hit})
	}
	slices.SortFunc(fs, func(a, b FaultCoverage) int {
		return strings.Compare(a.Site+" "+a.Fault, b.Site+" "+b.Fault)
	})
	return fs
}

// MergeCoverage adds the pairs of b to a, keeping the order.
func MergeCoverage(a, b []FaultCoverage) []FaultCoverage {
	for _, f := range b {
		i, ok := slices.BinarySearchFunc(a, f, func(x, y FaultCoverage) int {
			return strings.Compare(x.Site+" "+x.Fault, y.Site+" "+y.Fault)
		})
		if !ok {
			a = slices.Insert(a, i, f)
			continue
		}
		a[i].Offered += f.Offered
		a[i].Hit += f.Hit
	}
	return a
}

// String returns the pair and its counts.
func (f FaultCoverage) String() string {
	return fmt.Sprintf("%s %s: %d of %d", f.Site, f.Fault, f.Hit, f.Offered)
}

// SometimesCounts returns how often each Sometimes mark was reached so far.
func (r *Runner) SometimesCounts() map[string]int { return r.sometimes }
