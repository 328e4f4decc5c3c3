package oracle

// Names of the properties that the scenarios check, besides those that package sim checks in every execution.
// Reports print them; traces and mutants refer to them.
const (
	// Memory.

	Stream             = "Stream"             // bytes arrive in order, once, unchanged
	Delivered          = "Delivered"          // the reader gets every byte written, and no other byte
	Linearizable       = "Linearizable"       // the history is one of the sequential specification
	NoOverlap          = "NoOverlap"          // live ranges of memory are disjoint and inside their arena
	BlockIntegrity     = "BlockIntegrity"     // a block holds what its owner wrote
	InvalidFreeRefused = "InvalidFreeRefused" // a free of a block that is not allocated fails
	NoFalseCorrupt     = "NoFalseCorrupt"     // no call fails with ErrCorrupt or another error when all peers are honest
	HostileIsContained = "HostileIsContained" // a hostile peer makes calls fail with ErrCorrupt at worst
	ConsumerProgress   = "ConsumerProgress"   // a call that must wake the consumer has rung it before the call returns

	// The session layer as a whole.

	Invariant        = "Invariant"        // layer.Core.CheckInvariants holds after every step
	Reclaimed        = "Reclaimed"        // the layer holds nothing once all applications have gone
	DocumentedErrors = "DocumentedErrors" // calls and requests fail only with errors documented for them
	WrittenIsRead    = "WrittenIsRead"    // bytes written before the peer or the session layer is gone are read to the end
	DiscardIsReset   = "DiscardIsReset"   // a close that discards unread bytes is reported as a reset
	ClosesArrive     = "ClosesArrive"     // the session layer and the peer hear of each close of a session
	EndHasCause      = "EndHasCause"      // a session ends at one side only if the other is done with it or has not opened it
	BoundedTurn      = "BoundedTurn"      // a call takes a bounded number of events of a peer before it lets others have their turn
	Prompt           = "Prompt"           // a call takes no longer than it may, even if the session layer is stopped or dead
	RefinesCore      = "RefinesCore"      // the core takes each step as its model does
	RefinesSession   = "RefinesSession"   // the messages about each session are a path of the model of one session
	BoundedLiveness  = "BoundedLiveness"  // what must happen within a timeout has happened after it
	SegmentLifecycle = "SegmentLifecycle" // segments and blocks are created, formatted, zeroed and destroyed in that order
	QuotaRespected   = "QuotaRespected"   // the memory that exists or is being given back is within the quotas
	HandshakeBound   = "HandshakeBound"   // a channel is hung up if and only if no application attaches in time
	Directory        = "Directory"        // names, scopes and quotas decide requests as docs/PROTOCOL.md says

	// The messages of the session layer, judged by the messages before them.

	AttachFirst          = "AttachFirst"          // only an attached application gets anything else than NotAttached, and attaches once
	ExactlyOneReply      = "ExactlyOneReply"      // each request gets one reply, about the object of the request, before the next message is taken
	UniqueHandles        = "UniqueHandles"        // a handle has the kind that its message implies, and names one object for ever
	OnlyOwnObjects       = "OnlyOwnObjects"       // an application closes and hears of only its own sessions and listeners
	MapBeforeUse         = "MapBeforeUse"         // an application maps the memory of a session before it hears of the session, and maps no other
	MapUnmapPairs        = "MapUnmapPairs"        // an application is told to map a segment once, and to unmap it once after that
	OneMapInFlight       = "OneMapInFlight"       // an application gets no map before it has answered the last one
	UnmapAfterUse        = "UnmapAfterUse"        // an application unmaps a segment after its last session there
	AcceptMatchesConnect = "AcceptMatchesConnect" // an accept is for a connect under way, at a listener of the application
	ConnectedAfterAccept = "ConnectedAfterAccept" // a client is connected once, after the accept, while the listener exists
	BothSidesAgree       = "BothSidesAgree"       // both sides of a session hear the same of it, with the directions crossed
	RefusalHasCause      = "RefusalHasCause"      // a connect is refused only by the server that was asked, or by its end or a timeout
	CloseHasCause        = "CloseHasCause"        // a session ends only after one side closed it or has gone
	MessageOrder         = "MessageOrder"         // messages arrive once, in the order in which they were sent
	AppFollowsProtocol   = "AppFollowsProtocol"   // the library answers each notification once, closes once, and reuses no request id
)
