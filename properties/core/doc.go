// Package core has the scenarios of the core of the session layer without a server around it. In the refinement
// scenarios the core must take each step of a model as the model does; in core-fuzz applications send any message
// at any time. The package also exports counterexamples of these models as traces.
//
// Its functions may be called concurrently.
package core
