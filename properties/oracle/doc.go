// Package oracle judges what the session layer says and does, for all scenarios.
//
// [Messages] checks every message by the messages before it. [Sessions] follows each session with
// the model of one. [Memory] keeps the books of segments and blocks, [DirectoryOracle] those of names, scopes
// and quotas. None of them looks into the layer. [Taken] and [Told] translate its messages to the
// words of the model.
//
// The constants are the names of the properties. An oracle belongs to one execution and to the
// goroutine that runs it.
package oracle
