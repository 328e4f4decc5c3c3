// Package explore looks for executions of a scenario that violate a property, and
// makes what it finds small.
//
// [Explore] runs executions under one or several strategies that take turns; [Search] does so
// with several workers. A [Strategy] makes a [sim.Chooser] for each execution: [DFS] goes through
// all executions within a bound, [PCT] and [Random] sample. A strategy sees nothing but the public
// face of a [sim.Point], so one of your own is as good as these.
//
// What is found is a [Violation]: the input and a short list of interventions. [Shrinker]
// reduces it, [NewTrace] writes it down, [Replay] runs it again.
//
// Explore, Search, Shrink and Replay make the Runners that they use and may be called
// concurrently. A Strategy, a Chooser and a Shrinker belong to one goroutine. An exploration is a
// function of scenario, options and seed, unless its Stop function ends it by the clock.
//
// Limits: a search that ends without a violation proves nothing beyond the bounds that its
// report calls exhausted, and those hold for the inputs and fault kinds that were explored.
package explore
