// Package sim runs programs written on package shm behind a scheduler that it
// controls: simulated processes with shared memory, doorbells, control channels and
// locks, one task running at a time. Every access to shared memory and every call of the host is a point where
// another task may go on, a process may die or stop, or a fault may happen.
//
// # How to test a protocol
//
// Write the protocol with [shm.Uint32], [shm.Uint64], [shm.Range] and a
// [shm.Host]; it needs no knowledge of simulation. A setup function makes
// processes, gives each its view of the memory and starts tasks. [Runner.Run] runs one execution of that program under a
// [Chooser]. The package example tests a mailbox this way. Package sim/simtest does all of it for a test, sim/cli for a command;
// strategies, search and shrinker are in sim/explore.
//
// # Choices
//
// All nondeterminism is a number asked of a Chooser at a [Point], and 0 is always the
// default: the running task goes on, nothing fails, the value is the simplest. So
// strategies, shrinker, fuzz inputs and traces agree on what simpler means, and a
// schedule is the list of answers other than 0, each anchored by what the task was about
// to do ("prod @ fifo.tail store #2 -> cons"). [Replay] is the Chooser of a schedule.
//
// A Point shows the pending access of every task: object, range and operation of what an enabled task does next, and what
// a blocked task waits for. A Chooser that is an [Observer] is told every step once it has happened, as it turned out: a
// compare-and-swap that failed is a load.
//
// # What a run was
//
// [Outcome] holds plain values. With [Config.Record] it also holds the [exec.Execution]: every step with the values read and
// written, decoded messages, the enabled tasks, vector clocks, interventions, history and verdict. It outlives the Runner. Steps and
// digest are the same with and without a record.
//
// # Why it is sound
//
// Go's atomics are sequentially consistent, and a program without data races
// behaves as some interleaving of its synchronising accesses. So exploring the orders of
// hooked accesses is complete provided that no two plain accesses conflict unordered; the
// race detector checks that proviso in each execution with vector clocks (sim/hb). Limits: a
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
// arrival, or when the fault [exec.AdvanceClock] moves it. After [Config.MaxSteps] steps faults stop and
// scheduling becomes fair; a program that does not finish then either is livelocked.
//
// # Loops that poll
//
// A task that loads the same words with the same values over and over, and changes nothing, waits until one of the
// words is written, or until no other task can go on. [Config.BoundedLoops] turns this off.
//
// # Guards
//
// Code under test can leave the simulation. Each of these is a failure that names the task and the place: no return to a hooked access for
// [Config.HangLimit] of real time, because of an endless loop or a wait outside of the host ([exec.NoHang]); a goroutine that is not a
// task and touches a segment ([exec.TasksOnly]); runtime.Goexit in a task ([exec.NoGoexit]); a task that uses a segment which its own
// process has not mapped ([exec.OwnMapping]).
//
// # Concurrency
//
// A Runner and everything of its execution is used by one goroutine at a time. Runners share nothing, so searches run one in each
// of several goroutines.
package sim
