package memory

import (
	"iter"

	"cutthrough/sim/scenario"
)

// scope yields all workloads of at most n operations from the menus of each configuration, those of one operation first.
func scope(n int, verbs scenario.Verbs, configs []func(b *scenario.Builder) []scenario.Menu) iter.Seq[scenario.Input] {
	return func(yield func(scenario.Input) bool) {
		for size := 1; size <= n; size++ {
			for _, config := range configs {
				menus := config(&scenario.Builder{Verbs: verbs})
				for w := range scenario.Workloads(size, menus) {
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
}

// sized returns a configuration of the fifo scenarios.
func sized(size int, start string, menus ...scenario.Menu) func(b *scenario.Builder) []scenario.Menu {
	return func(b *scenario.Builder) []scenario.Menu {
		b.Set("fifo", size)
		b.Set("start", start)
		return menus
	}
}
