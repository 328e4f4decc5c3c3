// Package dpor explores one execution of each class of executions that differ only in the order of independent steps: optimal
// dynamic partial-order reduction.
//
// A step is a hooked access or call with what its task does by itself up to the next one. Two steps are dependent if their order
// can be noticed (see the function dependent, which has a case for each kind of object). After an execution the Search looks for
// races: dependent steps that no other step orders. For each it plans a sequence in which the later step comes first, unless
// that is explored or planned already. Tasks that wait are not scheduled, so waiting costs no executions.
//
// The algorithm is optimal DPOR with sleep sets and wakeup trees (Abdulla, Aronis, Jonsson, Sagonas, "Source sets: a foundation for
// optimal dynamic partial order reduction", JACM 2017). A step that waits races with every step before which it could have gone on,
// because the one that it comes right after is often the one that lets it go on. docs/DESIGN.md says on which assumptions
// the result is complete.
//
// A Search is not safe for concurrent use.
package dpor
