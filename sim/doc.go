// Package sim runs programs written on package shm behind a scheduler that it
// controls: simulated processes with shared memory, doorbells, control channels and
// locks, one task running at a time, every access to shared memory a point where
// another task may go on, a process may die or stop, or a fault may happen.
//
// # How to test a protocol
//
// Write the protocol with [shm.Uint32], [shm.Uint64] and [shm.Range] and a
// [shm.Host]; nothing in it knows about simulation. A setup function makes
// processes, gives each its view of the memory and starts tasks. The package
// example tests somebody's spin-free handover in forty lines. [Runner.Run] runs one execution under a
// [Chooser]; package explore runs many under strategies, and finds a short list of
// interventions, which [Replay] repeats, explore.Shrinker reduces and [Outcome.Diagram] draws. Package
// scenario is the kit for families of programs, package lin judges histories, package trace is the text
// format.
//
// # Choices
//
// All nondeterminism is a number asked of a Chooser at a [Point], and 0 is always the
// default answer: the running task goes on, nothing fails, the value is the simplest. So
// strategies, shrinker, fuzz inputs and traces agree on what simpler means, and a
// schedule is just the answers other than 0, each anchored by what the task was about
// to do ("prod @ fifo.tail store #2 -> cons").
//
// # Why it is sound
//
// Go's atomics are sequentially consistent, and a program without data races
// behaves as some interleaving of its synchronising accesses. So exploring the orders of
// hooked accesses is complete provided that no two plain accesses conflict unordered; the
// race detector checks that proviso in each execution with vector clocks. Limits: a
// bounded search proves nothing beyond its bound; peers that are not written in Go may use
// weaker orderings than these; tasks of one process share Go variables unchecked.
//
// # Death
//
// When a process is killed, the next hooked access of each of its tasks, and every
// later one, panics with a private value before it touches anything. Deferred functions
// therefore change nothing shared. Code under test must not recover.
//
// # Time
//
// Time is virtual. It moves when no task can go on, to the next deadline or delayed
// arrival, or when the Jump fault moves it. After Config.MaxSteps steps faults stop and
// scheduling becomes fair; a program that does not finish then either is livelocked.
package sim
