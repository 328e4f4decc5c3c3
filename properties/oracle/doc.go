// Package oracle checks the messages and effects of the session layer, for all scenarios.
//
// [Messages] checks each message against the messages before it. [Sessions] follows each session with the
// model of one session, [Ends] with that of its two sides as their applications have it. [Memory] tracks segments and blocks, [DirectoryOracle] names, scopes and quotas.
// No oracle reads the state of the layer. [Taken] and [Told] translate messages to the words of the model.
//
// The constants are the names of the properties. An oracle belongs to one execution and to the
// goroutine that runs it.
package oracle
