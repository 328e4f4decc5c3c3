package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cutthrough/sim/trace"
)

// Key is one configuration key of a scenario: a number in [min, max], or one of
// words. The first word, or def, is what an absent key means.
type Key struct {
	Name     string
	Default  int
	Min, Max int
	Words    []string
}

// Verb is one operation of a scenario: who may do it, and the bounds of its arguments.
type Verb struct {
	Name  string
	Procs []string
	Args  [][2]int
}

// config is a checked configuration.
type config struct {
	Numbers map[string]int
	Words   map[string]string
}

// Op is a checked operation.
type Op struct {
	Proc, Verb string
	Args       []int
}

// ReadInput checks a case against what the scenario knows; a case may come from a file.
func ReadInput(c Input, keys []Key, verbs []Verb) (config, []Op, error) {
	cfg, err := readConfig(c.Config, keys)
	if err != nil {
		return cfg, nil, err
	}
	if len(c.Workload) > MaxOps {
		return cfg, nil, fmt.Errorf("workload has %d operations, at most %d", len(c.Workload), MaxOps)
	}
	var ops []Op
	for i, o := range c.Workload {
		checked, err := readOp(o, verbs)
		if err != nil {
			return cfg, nil, fmt.Errorf("workload operation %d: %w", i+1, err)
		}
		ops = append(ops, checked)
	}
	return cfg, ops, nil
}

// MaxOps bounds a workload: beyond it an execution cannot finish in its step budget.
const MaxOps = 256

func readConfig(kvs []trace.KV, keys []Key) (config, error) {
	cfg := config{map[string]int{}, map[string]string{}}
	for _, k := range keys {
		if len(k.Words) > 0 {
			cfg.Words[k.Name] = k.Words[0]
		} else {
			cfg.Numbers[k.Name] = k.Default
		}
	}
	for _, kv := range kvs {
		i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == kv.Key })
		if i < 0 {
			return cfg, fmt.Errorf("config %s=%s: no such key", kv.Key, kv.Value)
		}
		k := keys[i]
		if len(k.Words) > 0 {
			if !slices.Contains(k.Words, kv.Value) {
				return cfg, fmt.Errorf("config %s=%s: want one of %s", kv.Key, kv.Value, strings.Join(k.Words, ", "))
			}
			cfg.Words[k.Name] = kv.Value
			continue
		}
		n, err := strconv.Atoi(kv.Value)
		if err != nil || n < k.Min || n > k.Max {
			return cfg, fmt.Errorf("config %s=%s: want a number from %d to %d", kv.Key, kv.Value, k.Min, k.Max)
		}
		cfg.Numbers[k.Name] = n
	}
	return cfg, nil
}

func readOp(o trace.Op, verbs []Verb) (Op, error) {
	i := slices.IndexFunc(verbs, func(v Verb) bool { return v.Name == o.Verb && slices.Contains(v.Procs, o.Proc) })
	if i < 0 {
		return Op{}, fmt.Errorf("%s %s: no such operation", o.Proc, o.Verb)
	}
	v := verbs[i]
	if len(o.Args) != len(v.Args) {
		return Op{}, fmt.Errorf("%s %s: has %d arguments, want %d", o.Proc, o.Verb, len(o.Args), len(v.Args))
	}
	checked := Op{Proc: o.Proc, Verb: o.Verb}
	for j, text := range o.Args {
		n, err := strconv.Atoi(text)
		if err != nil || n < v.Args[j][0] || n > v.Args[j][1] {
			return Op{}, fmt.Errorf("%s %s %s: want a number from %d to %d", o.Proc, o.Verb, text, v.Args[j][0], v.Args[j][1])
		}
		checked.Args = append(checked.Args, n)
	}
	return checked, nil
}

// OpsOf returns the operations of proc.
func OpsOf(ops []Op, proc string) []Op {
	var mine []Op
	for _, o := range ops {
		if o.Proc == proc {
			mine = append(mine, o)
		}
	}
	return mine
}
