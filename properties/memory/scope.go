package memory

import (
	"iter"

	"cutthrough/sim/scenario"
)

// scope yields, for each configuration, all workloads of at most n operations from the menus.
func scope(n int, verbs scenario.Verbs, configs []func(b *scenario.Builder) []scenario.Menu) iter.Seq[scenario.Input] {
	return func(yield func(scenario.Input) bool) {
		for _, config := range configs {
			menus := config(&scenario.Builder{Verbs: verbs})
			for w := range scenario.Workloads(n, menus) {
				b := &scenario.Builder{Verbs: verbs}
				config(b)
				scenario.Write(b, menus, w)
				if !yield(b.Input) {
					return
				}
			}
		}
	}
}

// sized returns a configuration of the fifo scenarios.
func sized(size int, start string, menus ...scenario.Menu) func(b *scenario.Builder) []scenario.Menu {
	return func(b *scenario.Builder) []scenario.Menu {
		b.Set("fifo", size)
		b.Set("start", start)
		return menus
	}
}

// streamScope has fifos of one and two bytes, and operations on up to one byte more than they hold. Counters begin at 0, and
// for two bytes so that they pass 2^32.
func streamScope(n int) iter.Seq[scenario.Input] {
	menus := func(size int) []scenario.Menu {
		prod := scenario.Menu{Proc: "prod", Min: 1, Ops: []any{publish{}}}
		cons := scenario.Menu{Proc: "cons", Min: 1, Ops: []any{release{}}}
		for i := range size + 1 {
			prod.Ops = append(prod.Ops, write{i + 1}, stage{i + 1}, fill{i + 1})
			cons.Ops = append(cons.Ops, read{i + 1}, take{i + 1}, pieces{i + 1}, drop{i + 1}, peek{0, i + 1})
		}
		return []scenario.Menu{prod, cons}
	}
	return scope(n, streamVerbs, []func(*scenario.Builder) []scenario.Menu{
		sized(1, "0", menus(1)...), sized(2, "2^32-3", menus(2)...),
	})
}

// wakeupScope has fifos of one and two bytes, and writes of up to two bytes more than they hold.
func wakeupScope(n int) iter.Seq[scenario.Input] {
	menus := func(size int) []scenario.Menu {
		prod := scenario.Menu{Proc: "prod", Min: 1, Ops: []any{drain{}}}
		cons := scenario.Menu{Proc: "cons", Min: 1}
		for i := range size + 2 {
			prod.Ops = append(prod.Ops, write{i + 1})
		}
		for i := range size + 1 {
			cons.Ops = append(cons.Ops, read{i + 1})
		}
		return []scenario.Menu{prod, cons}
	}
	return scope(n, wakeupVerbs, []func(*scenario.Builder) []scenario.Menu{
		sized(1, "0", menus(1)...), sized(2, "2^32-3", menus(2)...),
	})
}

// evqScope has queues of one and two slots, and up to two producers.
func evqScope(n int) iter.Seq[scenario.Input] {
	queue := func(slots, producers int) func(b *scenario.Builder) []scenario.Menu {
		return func(b *scenario.Builder) []scenario.Menu {
			b.Set("slots", slots)
			b.Set("producers", producers)
			var menus []scenario.Menu
			for i := range producers {
				menus = append(menus, scenario.Menu{Proc: producerNames[i], Min: 1, Ops: []any{send{}, try{}}, Like: i > 0})
			}
			return append(menus, scenario.Menu{Proc: "cons", Ops: []any{poll{}}})
		}
	}
	return scope(n, evqVerbs, []func(*scenario.Builder) []scenario.Menu{queue(0, 1), queue(1, 1), queue(0, 2), queue(1, 2)})
}

// allocScope has one process and two processes with a segment of one page, and blocks of three classes.
func allocScope(n int) iter.Seq[scenario.Input] {
	shared := func(procs int) func(b *scenario.Builder) []scenario.Menu {
		return func(b *scenario.Builder) []scenario.Menu {
			b.Set("procs", procs)
			b.Set("pages", 1)
			ops := []any{allocate{64}, allocate{1000}, allocate{2500}, free{0}, free{1}, misfree{}}
			if procs == 1 {
				return []scenario.Menu{{Proc: "a", Min: 1, Ops: append(ops, refree{})}}
			}
			return []scenario.Menu{{Proc: "a", Min: 1, Ops: ops}, {Proc: "b", Min: 1, Ops: ops, Like: true}}
		}
	}
	return scope(n, allocVerbs, []func(*scenario.Builder) []scenario.Menu{shared(1), shared(2)})
}
