// Package catalog is what the models of the protocol have in common: names for their configurations
// and for their mistakes, reports and charts that do not depend on the type of a state, and so one way
// to list and to check them all.
//
// # Terms
//
// A model is the protocol as it is. A configuration ([Config]) says how much of everything there is. A
// variant ([Variant]) is one deliberate mistake in the model, which a switch turns on: a defect of the
// ancestor, or a mutant of the real code. A check must find a counterexample of every variant, and
// none of the model without variants.
//
// # How to add a model
//
// Give the model the methods of [Model], and make an [Entry] of it with [Of]: name, configurations,
// variants, constructor. The constructor turns names of variants into a [Set] with [Select], and a
// step that a variant breaks asks [Set.Has]. Package models lists the entries, and package catalogtest
// has the tests that each of them must pass.
//
// # How to check one
//
// [Find] takes a name such as "signal/medium" to an Entry, [Entry.New] makes its [Machine], whose
// states are hidden, and Run checks it and returns a [Report]: data that encodes to JSON, with a
// chart of each counterexample.
//
// Entries are values and safe for concurrent use.
package catalog
