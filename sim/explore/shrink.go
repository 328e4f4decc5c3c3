package explore

import (
	"slices"
	"strconv"

	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/scenario"
)

// Shrinker reduces a violation to one that a person can read, keeping the
// violated property: first interventions, then operations, then values.
type Shrinker struct {
	Scenario *scenario.Scenario
	// Budget is how many executions may be spent; 0 means 200,000.
	Budget int
	// Stop ends the search when it returns true, with the smallest violation so far. It is
	// asked before every execution and may look at a clock. May be nil.
	Stop func() bool
	// Progress is called after every improvement. May be nil.
	Progress func(executions int, best *Violation)

	r    *sim.Runner
	runs int
	best *Violation
}

// Shrink returns a violation of the same property that is at most as large as
// f. Whatever it returns has been replayed. It is deterministic.
func (s *Shrinker) Shrink(f *Violation) (*Violation, error) {
	s.r = sim.NewRunner()
	defer s.r.Close()
	if s.Budget == 0 {
		s.Budget = 200_000
	}
	g, err := s.replay(f.Input, f.Schedule, f.Failure.Property)
	if err != nil || g == nil {
		return f, err // not reproducible from its schedule: nothing to shrink
	}
	s.best = g
	s.best.Strategy = f.Strategy
	for {
		size := s.best.size()
		s.interventions()
		s.operations()
		s.values()
		s.search(s.best.Input, len(s.best.Schedule)-1, 20_000)
		if s.best.size() >= size || s.over() {
			return s.best, nil
		}
	}
}

// over says whether the search has to end.
func (s *Shrinker) over() bool { return s.runs >= s.Budget || s.Stop != nil && s.Stop() }

// size orders violations: interventions count most, then operations, then values.
func (f *Violation) size() int {
	n := 1_000_000*len(f.Schedule) + 10_000*len(f.Input.Workload)
	add := func(text string) {
		if v, err := strconv.Atoi(text); err == nil {
			n += min(max(v, 0), 100)
		}
	}
	for _, op := range f.Input.Workload {
		for _, a := range op.Args {
			add(a)
		}
	}
	for _, kv := range f.Input.Config {
		add(kv.Value)
	}
	return n
}

// replay runs a candidate and returns the violation if it is of property.
func (s *Shrinker) replay(c scenario.Input, schedule []exec.Intervention, property string) (*Violation, error) {
	s.runs++
	o, _, err := s.Scenario.RunOnce(s.r, c, schedule, false)
	if err != nil {
		return nil, err
	}
	if o.Failure == nil || o.Failure.Property != property {
		return nil, nil
	}
	return &Violation{Input: c, Schedule: s.r.Schedule(), Failure: *o.Failure, Digest: o.Digest, Steps: o.Steps}, nil
}

// adopt makes f the best if it is smaller; it says whether it did.
func (s *Shrinker) adopt(f *Violation) bool {
	if f == nil || f.size() >= s.best.size() {
		return false
	}
	f.Strategy = s.best.Strategy
	s.best = f
	if s.Progress != nil {
		s.Progress(s.runs, f)
	}
	return true
}

// try replays a candidate and adopts it if it violates the property and is smaller.
func (s *Shrinker) try(c scenario.Input, schedule []exec.Intervention) bool {
	if s.over() {
		return false
	}
	f, err := s.replay(c, schedule, s.best.Failure.Property)
	return err == nil && s.adopt(f)
}

// interventions removes runs of interventions, long ones first (delta
// debugging, Zeller and Hildebrandt 2002).
func (s *Shrinker) interventions() {
	for n := len(s.best.Schedule); n >= 1; n /= 2 {
		for i := 0; i+n <= len(s.best.Schedule); {
			if !s.try(s.best.Input, slices.Delete(slices.Clone(s.best.Schedule), i, i+n)) {
				i++
			}
		}
	}
}

// operations removes operations, and then searches for a new schedule where
// the old one does not fit any more.
func (s *Shrinker) operations() {
	for n := len(s.best.Input.Workload) / 2; n >= 1; n /= 2 {
		for i := 0; i+n <= len(s.best.Input.Workload); {
			c := s.best.Input
			c.Workload = slices.Delete(slices.Clone(c.Workload), i, i+n)
			if !s.reduce(c) {
				i++
			}
		}
	}
}

// reduce adopts the smaller case c under the best schedule or a new one of at
// most as many interventions.
func (s *Shrinker) reduce(c scenario.Input) bool {
	if s.try(c, s.best.Schedule) {
		return true
	}
	return s.search(c, len(s.best.Schedule), 2_000)
}

// search looks for a violation of c with at most n interventions.
func (s *Shrinker) search(c scenario.Input, n, budget int) bool {
	p, err := s.Scenario.Compile(c)
	if err != nil || n < 0 {
		return false
	}
	d := NewDFS(n)
	for range budget {
		ch := d.Next()
		if ch == nil || d.bound > n || s.over() {
			return false
		}
		s.runs++
		o := s.r.Run(p.Config, ch, p.Setup)
		if d.Done(&o) != nil {
			return false
		}
		if o.Failure != nil && o.Failure.Property == s.best.Failure.Property {
			f := &Violation{Input: c, Schedule: s.r.Schedule(), Failure: *o.Failure, Digest: o.Digest, Steps: o.Steps}
			if s.adopt(f) {
				return true
			}
		}
	}
	return false
}

// values lowers numbers in the workload and the configuration.
func (s *Shrinker) values() {
	for i := range s.best.Input.Workload {
		for j := range s.best.Input.Workload[i].Args {
			s.lower(func(c *scenario.Input) *string {
				c.Workload = slices.Clone(c.Workload)
				c.Workload[i].Args = slices.Clone(c.Workload[i].Args)
				return &c.Workload[i].Args[j]
			})
		}
	}
	for i := range s.best.Input.Config {
		s.lower(func(c *scenario.Input) *string {
			c.Config = slices.Clone(c.Config)
			return &c.Config[i].Value
		})
	}
}

// lower replaces the number at the place by ever smaller ones.
func (s *Shrinker) lower(place func(*scenario.Input) *string) {
	for {
		c := s.best.Input
		at := place(&c)
		v, err := strconv.Atoi(*at)
		if err != nil || v <= 0 {
			return
		}
		improved := false
		for _, smaller := range []int{0, 1, v / 2, v - 1} {
			if smaller < v {
				c = s.best.Input
				*place(&c) = strconv.Itoa(smaller)
				if improved = s.reduce(c); improved {
					break
				}
			}
		}
		if !improved {
			return
		}
	}
}
