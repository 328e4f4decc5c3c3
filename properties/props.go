package properties

// Names of the properties that the scenarios check, besides those that package sim checks in every execution.
// They are printed in reports, and wanted by traces and mutants.
const (
	propStream    = "Stream"       // bytes arrive in order, once, unchanged
	propDelivered = "Delivered"    // everything that was written, and nothing else, is read
	propLinear    = "Linearizable" // the history is one of the specification
	propHonest    = "HonestError"  // an honest peer is never taken for a corrupt one
	propContained = "Contained"    // a lying peer makes its victim return ErrCorrupt at worst
	propPattern   = "Pattern"      // a block holds what its owner wrote
	propRefused   = "Refused"      // what is not allocated cannot be freed
	propWoken     = "Woken"        // a call that should wake the consumer has done so when it returns
	propInvariant = "Invariant"    // Layer.CheckInvariants after every step
	propReclaimed = "Reclaimed"    // the layer has nothing left when all applications have gone
	propReset     = "Reset"        // an application that throws bytes away says so
	propError     = "ErrorKind"    // calls fail only with documented errors
	propConforms  = "Conforms"     // the session layer does what its machine does
	propModel     = "Model"        // the messages about each session are a path of the machine of a session
	propProtocol  = "Protocol"     // each message of the session layer is right, judged by the messages alone
	propOverdue   = "Overdue"      // what must happen in time has happened
	propEffects   = "Effects"      // what the session layer does with segments and channels makes sense
	propNames     = "Names"        // names, scopes and quotas mean what docs/PROTOCOL.md says
)
