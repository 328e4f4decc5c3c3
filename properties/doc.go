// Package properties lists the scenarios of this module, with the properties that they check.
//
// The scenarios are in sub-packages: memory has those of the structures in shared memory, core
// those of the core of the session layer, which is driven step by step, and session those of the
// whole session layer with applications. Package oracle has the monitors that check them. The directory
// mutants has mistakes that the scenarios must find.
package properties
