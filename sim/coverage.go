package sim

import (
	"fmt"
	"slices"
	"strings"

	"cutthrough/shm"
	"cutthrough/shm/access"
	"cutthrough/sim/exec"
)

// sites numbers the call sites, pairs of a name and an operation, in the order in which executions come to them: what is counted for each
// at every step lies close together then. For every fault that was possible at a site it counts how often it was offered and how
// often it happened.
type sites struct {
	numbers []uint16 // by name and operation; from 1
	known   []site
}

type site struct {
	name   shm.Name
	op     access.Op
	faults [exec.NumKinds]faultCount
}

type faultCount struct{ offered, hit uint64 }

// site returns the number of a site, from 0.
func (e *engine) site(name shm.Name, op access.Op) int {
	s := &e.sites
	if i := siteIndex(name, op); i < len(s.numbers) && s.numbers[i] > 0 {
		return int(s.numbers[i]) - 1
	}
	defer e.guard.beat() // publishes the site to the guard, which keeps what is counted if a task hangs
	return s.add(name, op)
}

func siteIndex(name shm.Name, op access.Op) int { return int(name)*int(access.NumOps) + int(op) }

func (s *sites) add(name shm.Name, op access.Op) int {
	i := siteIndex(name, op)
	if i >= len(s.numbers) {
		s.numbers = append(s.numbers, make([]uint16, 1+i-len(s.numbers))...)
	}
	s.known = append(s.known, site{name: name, op: op})
	s.numbers[i] = uint16(len(s.known))
	return len(s.known) - 1
}

func (s *sites) clone() sites { return sites{slices.Clone(s.numbers), slices.Clone(s.known)} }

func (s *sites) cover(p *Point) {
	at := &s.known[p.site]
	for _, e := range p.faults {
		at.faults[e.kind].offered++
	}
}

func (s *sites) hit(p *Point, k exec.Kind) { s.known[p.site].faults[k].hit++ }

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
	for _, at := range r.sites.known {
		a := Access{Name: at.name, Op: at.op}
		for k, c := range at.faults {
			if c.offered > 0 {
				fs = append(fs, FaultCoverage{a.String(), exec.Kind(k).String(), c.offered, c.hit})
			}
		}
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
