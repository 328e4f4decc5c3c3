package properties

import (
	"cutthrough/sim"
	"cutthrough/sim/trace"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// key is one configuration key of a scenario: a number in [min, max], or one of
// words. The first word, or def, is what an absent key means.
type key struct {
	name     string
	def      int
	min, max int
	words    []string
}

// verb is one operation of a scenario: who may do it, and the bounds of its arguments.
type verb struct {
	name  string
	procs []string
	args  [][2]int
}

// config is a checked configuration.
type config struct {
	numbers map[string]int
	words   map[string]string
}

// op is a checked operation.
type op struct {
	proc, verb string
	args       []int
}

// readCase checks a case against what the scenario knows; a case may come from a file.
func readCase(c sim.Case, keys []key, verbs []verb) (config, []op, error) {
	cfg, err := readConfig(c.Config, keys)
	if err != nil {
		return cfg, nil, err
	}
	if len(c.Workload) > maxOps {
		return cfg, nil, fmt.Errorf("workload has %d operations, at most %d", len(c.Workload), maxOps)
	}
	var ops []op
	for i, o := range c.Workload {
		checked, err := readOp(o, verbs)
		if err != nil {
			return cfg, nil, fmt.Errorf("workload operation %d: %w", i+1, err)
		}
		ops = append(ops, checked)
	}
	return cfg, ops, nil
}

// maxOps bounds a workload: beyond it an execution cannot finish in its step budget.
const maxOps = 256

func readConfig(kvs []trace.KV, keys []key) (config, error) {
	cfg := config{map[string]int{}, map[string]string{}}
	for _, k := range keys {
		if len(k.words) > 0 {
			cfg.words[k.name] = k.words[0]
		} else {
			cfg.numbers[k.name] = k.def
		}
	}
	for _, kv := range kvs {
		i := slices.IndexFunc(keys, func(k key) bool { return k.name == kv.Key })
		if i < 0 {
			return cfg, fmt.Errorf("config %s=%s: no such key", kv.Key, kv.Value)
		}
		k := keys[i]
		if len(k.words) > 0 {
			if !slices.Contains(k.words, kv.Value) {
				return cfg, fmt.Errorf("config %s=%s: want one of %s", kv.Key, kv.Value, strings.Join(k.words, ", "))
			}
			cfg.words[k.name] = kv.Value
			continue
		}
		n, err := strconv.Atoi(kv.Value)
		if err != nil || n < k.min || n > k.max {
			return cfg, fmt.Errorf("config %s=%s: want a number from %d to %d", kv.Key, kv.Value, k.min, k.max)
		}
		cfg.numbers[k.name] = n
	}
	return cfg, nil
}

func readOp(o trace.Op, verbs []verb) (op, error) {
	i := slices.IndexFunc(verbs, func(v verb) bool { return v.name == o.Verb && slices.Contains(v.procs, o.Proc) })
	if i < 0 {
		return op{}, fmt.Errorf("%s %s: no such operation", o.Proc, o.Verb)
	}
	v := verbs[i]
	if len(o.Args) != len(v.args) {
		return op{}, fmt.Errorf("%s %s: has %d arguments, want %d", o.Proc, o.Verb, len(o.Args), len(v.args))
	}
	checked := op{proc: o.Proc, verb: o.Verb}
	for j, text := range o.Args {
		n, err := strconv.Atoi(text)
		if err != nil || n < v.args[j][0] || n > v.args[j][1] {
			return op{}, fmt.Errorf("%s %s %s: want a number from %d to %d", o.Proc, o.Verb, text, v.args[j][0], v.args[j][1])
		}
		checked.args = append(checked.args, n)
	}
	return checked, nil
}

// perProc returns the operations of proc.
func perProc(ops []op, proc string) []op {
	var mine []op
	for _, o := range ops {
		if o.proc == proc {
			mine = append(mine, o)
		}
	}
	return mine
}
