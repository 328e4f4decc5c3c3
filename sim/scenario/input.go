package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cutthrough/sim/trace"
)

// Key describes one configuration key of a scenario: a number from Min to Max, or one of
// Words. A key that an input does not mention has the value Default, or the first of Words.
type Key struct {
	Name     string
	Default  int
	Min, Max int
	Words    []string
}

// Config is a checked configuration, with the defaults filled in.
type Config struct {
	numbers map[string]int
	words   map[string]string
}

// Number returns the value of a key that is a number. It panics if there is no such Key.
func (c Config) Number(name string) int { return lookup(c.numbers, name) }

// Word returns the value of a key that is one of several words. It panics if there is no such Key.
func (c Config) Word(name string) string { return lookup(c.words, name) }

func lookup[V any](values map[string]V, name string) V {
	v, ok := values[name]
	if !ok {
		panic(fmt.Sprintf("scenario: no key %q of that type", name))
	}
	return v
}

// MaxOps bounds a workload: beyond it an execution cannot finish in its step budget.
const MaxOps = 256

// ReadInput checks an input against what a scenario knows. The error names the first key or
// operation that is not right, and what is.
func ReadInput(in Input, keys []Key, verbs Verbs) (Config, []Op, error) {
	cfg, err := readConfig(in.Config, keys)
	if err != nil {
		return cfg, nil, err
	}
	if len(in.Workload) > MaxOps {
		return cfg, nil, fmt.Errorf("workload has %d operations, at most %d", len(in.Workload), MaxOps)
	}
	var ops []Op
	for i, o := range in.Workload {
		checked, err := verbs.read(o)
		if err != nil {
			return cfg, nil, fmt.Errorf("workload operation %d: %w", i+1, err)
		}
		ops = append(ops, checked)
	}
	return cfg, ops, nil
}

func readConfig(kvs []trace.KV, keys []Key) (Config, error) {
	cfg := Config{map[string]int{}, map[string]string{}}
	for _, k := range keys {
		if len(k.Words) > 0 {
			cfg.words[k.Name] = k.Words[0]
		} else {
			cfg.numbers[k.Name] = k.Default
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
			cfg.words[k.Name] = kv.Value
			continue
		}
		n, err := strconv.Atoi(kv.Value)
		if err != nil || n < k.Min || n > k.Max {
			return cfg, fmt.Errorf("config %s=%s: want a number from %d to %d", kv.Key, kv.Value, k.Min, k.Max)
		}
		cfg.numbers[k.Name] = n
	}
	return cfg, nil
}
