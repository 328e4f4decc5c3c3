// Package core has the scenarios of the core of the session layer, which has no server around it: its
// models take a step, and it must do the same; or applications say anything at any time.
// It also exports counterexamples of these models as traces.
//
// Its functions may be called concurrently.
package core
