// Package simtest explores scenarios in tests of the go command:
//
//	func TestMailbox(t *testing.T) { simtest.Check(t, mailbox.Scenario()) }
//
// [Check] first replays the traces of the scenario below testdata/sim, then explores it within a small budget. A violation is
// shrunk and written there, so that the next test replays it before anything else: the test stays red, in milliseconds, until
// the protocol is mended, and the trace can then be kept as a guard ("want pass") or removed. The same traces are replayed, drawn, shrunk
// and brought up to date by a program that calls package cli's Main with the scenario.
//
// A Check is deterministic: it has a fixed seed and a number of executions, not a time. Tests of different scenarios
// may run in parallel.
package simtest
