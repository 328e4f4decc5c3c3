package oracle

// Names of the properties that the scenarios check, besides those that package sim checks in every execution.
// They are printed in reports, and wanted by traces and mutants.
const (
	Stream       = "Stream"       // bytes arrive in order, once, unchanged
	Delivered    = "Delivered"    // everything that was written, and nothing else, is read
	Linearizable = "Linearizable" // the history is one of the specification
	HonestError  = "HonestError"  // an honest peer is never taken for a corrupt one
	Contained    = "Contained"    // a lying peer makes its victim return ErrCorrupt at worst
	Pattern      = "Pattern"      // a block holds what its owner wrote
	Refused      = "Refused"      // what is not allocated cannot be freed
	Woken        = "Woken"        // a call that should wake the consumer has done so when it returns
	Invariant    = "Invariant"    // Layer.CheckInvariants after every step
	Reclaimed    = "Reclaimed"    // the layer has nothing left when all applications have gone
	Reset        = "Reset"        // an application that throws bytes away says so
	ErrorKind    = "ErrorKind"    // calls fail only with documented errors
	Conforms     = "Conforms"     // the session layer does what its machine does
	Model        = "Model"        // the messages about each session are a path of the machine of a session
	Protocol     = "Protocol"     // each message of the session layer is right, judged by the messages alone
	Overdue      = "Overdue"      // what must happen in time has happened
	Effects      = "Effects"      // what the session layer does with segments and channels makes sense
	Names        = "Names"        // names, scopes and quotas mean what docs/PROTOCOL.md says
)
