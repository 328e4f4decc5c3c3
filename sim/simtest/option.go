package simtest

import (
	"testing"

	"cutthrough/sim/explore"
)

// Option changes how [Check] works.
type Option func(*config)

// Executions bounds the exploration. The default is 10,000, and a tenth of that with -short.
func Executions(n int) Option { return func(c *config) { c.executions = n } }

// Seed decides inputs and random strategies. The default is 1.
func Seed(seed uint64) Option { return func(c *config) { c.seed = seed } }

// Strategies is a list like the default, "dfs:2,pct:3,random".
func Strategies(list string) Option { return func(c *config) { c.strategies = list } }

// Dir is where traces are read and written, seen from the directory of the test. The default is testdata/sim.
func Dir(path string) Option { return func(c *config) { c.dir = path } }

// config is what the options have made of the defaults.
type config struct {
	executions int
	seed       uint64
	strategies string
	dir        string
}

const defaultExecutions = 10_000

func newConfig(opts []Option) config {
	c := config{executions: defaultExecutions, seed: 1, strategies: explore.DefaultStrategies, dir: "testdata/sim"}
	if testing.Short() {
		c.executions /= 10
	}
	for _, o := range opts {
		o(&c)
	}
	return c
}
