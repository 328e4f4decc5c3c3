package negotiation

import (
	"slices"

	"cutthrough/model/catalog"
)

// The variants, by their number in the table.
const (
	acceptBeforeMap = iota
	fifosNotCrossed
	closesNotPerSide
	closeFreesAtOnce
	closeNotTold
	confirmationIgnored
	staleHandleAccepted
	generationNotAdvanced
	senderNotChecked
	acceptAnyTime
	pendingClientForgotten
	detachForgetsPeer
	deathKeepsMapping
	listenerOutlivesServer
	unbindLeavesPending
	segmentShared
	failureLeaks
	reuseBeforeAnswer
	unmapWithoutMap
	unmapNotAwaited
	unmapForgotten
	timeoutFrees
	connectsWaitForEver
	lingerNotStopped
	indexCut
	kindsMixedUp
	listenerUnknown
	layerWaitsForReader
	detachBeforeUnmap
	senderEchoed
	memoryOfListener
	lockKept
	indexShared
	unbindIgnored
	halfCloseNotTold
	closeNotNoted
	closeNotHurried
	segmentOverfull
	orphanUsed
	leaverAsked
	lingerForEver
	unaskedUnmapAnswer
	unsolicitedConfirmationTaken
	detachFreesPeerSegment
	epochNotCounted
	dialOutlivesLayer
	messageOfOldLayerHeard
	acceptOfOldLayerAnswered
	layerDeathEndsSessions
	halfMadeSessionWaits
	closeToldToLayerOnly
	deathOfPeerLeftToLayer
	oldMemoryUnmappedAtOnce
	oldAttachmentKept
	returnForgetsListeners
	returnWaitsForSessions
	seed2018
)

// ofSeed says which mistakes the ancestor made, all at once.
var ofSeed = [...]bool{
	closesNotPerSide: true, confirmationIgnored: true, staleHandleAccepted: true, generationNotAdvanced: true,
	senderNotChecked: true, acceptAnyTime: true, pendingClientForgotten: true, detachForgetsPeer: true,
	listenerOutlivesServer: true, failureLeaks: true, unmapWithoutMap: true, unmapNotAwaited: true,
	connectsWaitForEver: true, indexCut: true, kindsMixedUp: true, listenerUnknown: true, layerWaitsForReader: true,
	detachBeforeUnmap: true, senderEchoed: true, memoryOfListener: true, lockKept: true, indexShared: true,
	seed2018: false,
}

// has says whether the machine makes a mistake.
func (m *Model) has(v int) bool {
	return m.variants.Has(v) || ofSeed[v] && m.variants.Has(seed2018)
}

// Variants returns the mistakes that the machine can make.
func Variants() []catalog.Variant {
	return slices.Clone(mistakes[:])
}

var mistakes = [...]catalog.Variant{
	acceptBeforeMap: {Name: "accept-before-map", Row: "S02", Property: mapFirst, Config: "small",
		Doc: "the server is told of the session before its segment"},
	fifosNotCrossed: {Name: "fifos-not-crossed", Row: "P06", Property: fifosCrossed, Config: "small",
		Doc: "both sides are told to read the same fifo"},
	closesNotPerSide: {Name: "closes-not-per-side", Row: "H-03", Property: quiesced, Config: "rude",
		Doc: "the second close of one side counts for the other"},
	closeFreesAtOnce: {Name: "close-frees-at-once", Row: "P24", Property: quiesced, Config: "small",
		Doc: "the first close frees the session while the other side uses it"},
	closeNotTold: {Name: "close-not-told", Row: "L2", Property: sessionsEnd + " (0)", Config: "small",
		Doc: "the peer is not told of a close"},
	confirmationIgnored: {Name: "confirmation-ignored", Row: "H-24", Property: nothingLost, Config: "small",
		Doc: "an answer to a close does not count, only a close does"},
	staleHandleAccepted: {Name: "stale-handle-accepted", Row: "H-04", Property: ownSessions, Config: "rude",
		Doc: "the generation of a handle is not checked"},
	generationNotAdvanced: {Name: "generation-not-advanced", Row: "H-18", Property: newHandles, Config: "small",
		Doc: "the next session in a slot has the handle of the one before"},
	senderNotChecked: {Name: "sender-not-checked", Row: "H-34", Property: ownSessions, Config: "rude",
		Doc: "the sender of a message about a session is taken for one of its sides"},
	acceptAnyTime: {Name: "accept-any-time", Row: "H-20", Property: legalStates, Config: "silent",
		Doc: "an accept establishes a session that is not pending any more"},
	pendingClientForgotten: {Name: "pending-client-forgotten", Row: "H-05", Property: rightReply, Config: "death",
		Doc: "a client that leaves does not take its pending connects with it"},
	detachForgetsPeer: {Name: "detach-forgets-peer", Row: "H-03b", Property: mappedIsKnown, Config: "death",
		Doc: "when one side leaves the segment is freed without a word to the other"},
	deathKeepsMapping: {Name: "death-keeps-mapping", Row: "S10", Property: nothingLeft, Config: "death",
		Doc: "the layer waits for the answer to an unmap of an application that has left"},
	listenerOutlivesServer: {Name: "listener-outlives-server", Row: "H-19", Property: listenerLives, Config: "death",
		Doc: "a listener stays in the table when its application leaves"},
	unbindLeavesPending: {Name: "unbind-leaves-pending", Row: "V12", Property: pendingBound, Config: "small",
		Doc: "an unbind does not refuse the connects that wait at the listener"},
	segmentShared: {Name: "segment-shared", Row: "H-28", Property: ownSegments, Config: "rude",
		Doc: "a session is placed in any segment with room, even of another pair"},
	failureLeaks: {Name: "failure-leaks", Row: "H-17", Property: nothingLost, Config: "fail",
		Doc: "a connect that fails for want of a segment leaves its session behind"},
	reuseBeforeAnswer: {Name: "reuse-before-answer", Row: "H-26", Property: placesApart, Config: "small",
		Doc: "a place is free as soon as the sides that have it mapped were told to unmap"},
	unmapWithoutMap: {Name: "unmap-without-map", Row: "H-33", Property: unmapTold, Config: "small",
		Doc: "both sides are told to unmap, even if only one was told to map"},
	unmapNotAwaited: {Name: "unmap-not-awaited", Row: "S34", Property: mappedIsKnown, Config: "small",
		Doc: "a segment is freed before the sides that have it mapped have answered"},
	unmapForgotten: {Name: "unmap-forgotten", Row: "H-03b", Property: nothingLost, Config: "small",
		Doc: "neither side is told to unmap"},
	timeoutFrees: {Name: "timeout-frees", Row: "S8", Property: quiesced, Config: "silent",
		Doc: "a close that is not confirmed in time counts as confirmed"},
	connectsWaitForEver: {Name: "connects-wait-for-ever", Row: "L1", Property: connectsEnd + " (1)", Config: "silent",
		Doc: "there is no connect timeout"},
	lingerNotStopped: {Name: "linger-not-stopped", Row: "S04", Property: memoryHeld, Config: "shared",
		Doc: "a linger that is over does not ask whether the segment is used again"},
	indexCut: {Name: "index-cut", Row: "H-06", Property: oneName, Config: "small",
		Doc: "a handle has too few bits for the index of the session"},
	kindsMixedUp: {Name: "kinds-mixed-up", Row: "H-07", Property: listenerStays, Config: "small",
		Doc: "the first session has the handle of the listener: the server closes both when it closes one"},
	listenerUnknown: {Name: "listener-unknown", Row: "H-08", Property: connectsEnd + " (1)", Config: "small",
		Doc: "the server may be told of a listener that it does not know, and then it does not answer"},
	layerWaitsForReader: {Name: "layer-waits-for-reader", Row: "H-14", Property: connectsEnd + " (1)", Config: "death",
		Doc: "the layer waits until a server reads that has left or died"},
	detachBeforeUnmap: {Name: "detach-before-unmap", Row: "H-15", Property: mappedIsKnown, Config: "death",
		Doc: "what an application has mapped is given away before it is unmapped"},
	senderEchoed: {Name: "sender-echoed", Row: "H-21", Property: nothingLost, Config: "small",
		Doc: "the sender of an answer to a close is read from the answer, which always says the server"},
	memoryOfListener: {Name: "memory-of-listener", Row: "H-25", Property: nothingLost, Config: "small",
		Doc: "the layer forgets where the memory of a session came from when the listener goes"},
	lockKept: {Name: "lock-kept", Row: "H-27", Property: connectsEnd + " (1)", Config: "fail",
		Doc: "a connect that finds no memory keeps the lock of the layer"},
	indexShared: {Name: "index-shared", Row: "H-29", Property: ownSessions, Config: "rude",
		Doc: "the layer keeps the index of a session where applications can write"},
	unbindIgnored: {Name: "unbind-ignored", Row: "L7", Property: listenerEnds, Config: "small",
		Doc: "an unbind does not remove the listener"},
	halfCloseNotTold: {Name: "half-close-not-told", Row: "-", Property: toldOnce, Config: "small",
		Doc: "the peer is not told of a half-close"},
	closeNotNoted: {Name: "close-not-noted", Row: "S13", Property: sidesAgree, Config: "small",
		Doc: "a session stays established when one side has closed it"},
	closeNotHurried: {Name: "close-not-hurried", Row: "-", Property: closesHurried + " (0)", Config: "silent",
		Doc: "there is no close timeout"},
	segmentOverfull: {Name: "segment-overfull", Row: "S20", Property: roomForAll, Config: "small",
		Doc: "a segment is given one session more than fits"},
	orphanUsed: {Name: "orphan-used", Row: "S14", Property: connectsServed, Config: "return",
		Doc: "a session is placed in a segment that one of the two has left"},
	leaverAsked: {Name: "leaver-asked", Row: "S10", Property: unmapKnown, Config: "death",
		Doc: "an answer to an unmap is still expected of an application that has left"},
	lingerForEver: {Name: "linger-for-ever", Row: "-", Property: lingerEnds, Config: "shared",
		Doc: "the end of a linger frees no segment"},
	unaskedUnmapAnswer: {Name: "unasked-unmap-answer", Row: "S8", Property: unmapAwaited, Config: "rude",
		Doc: "an answer to an unmap counts although none was asked for"},
	unsolicitedConfirmationTaken: {Name: "unsolicited-confirmation-taken", Row: "H-20", Property: sidesAgree, Config: "rude",
		Doc: "an answer to a close counts that the side was not told of"},
	detachFreesPeerSegment: {Name: "detach-frees-peer-segment", Row: "L21", Property: unmapAwaited, Config: "death",
		Doc: "when one side leaves, its peer counts as having unmapped their segments"},
	epochNotCounted: {Name: "epoch-not-counted", Row: "S14", Property: oneName, Config: "restart",
		Doc: "the handles of a layer begin where those of the layer before it began"},
	dialOutlivesLayer: {Name: "dial-outlives-layer", Row: "L1", Property: connectsEnd + " (1)", Config: "restart",
		Doc: "a dial that is under way when the layer dies does not fail"},
	messageOfOldLayerHeard: {Name: "message-of-old-layer-heard", Row: "S12", Property: rightReply, Config: "restart",
		Doc: "what the layer said before its death is heard after the attach to the next one"},
	acceptOfOldLayerAnswered: {Name: "accept-of-old-layer-answered-to-new", Row: "-", Property: ownLayer, Config: "restart-silent",
		Doc: "an accept that was not answered when the layer died is answered to the next one"},
	layerDeathEndsSessions: {Name: "layer-death-ends-sessions", Row: "S23", Property: goesOn, Config: "restart",
		Doc: "an application ends its sessions when it notices that the layer has died"},
	halfMadeSessionWaits: {Name: "half-made-session-waits", Row: "V20", Property: halvesEnd + " (0)", Config: "restart",
		Doc: "the server waits for ever for a client that was not told of the session"},
	closeToldToLayerOnly: {Name: "close-told-to-layer-only", Row: "V20", Property: halvesEnd + " (0)", Config: "restart",
		Doc: "a close shows in no memory that both sides have, so the peer does not learn of it without a layer"},
	deathOfPeerLeftToLayer: {Name: "death-of-peer-left-to-layer", Row: "V21", Property: halvesEnd + " (0)", Config: "restart-death",
		Doc: "only the layer says that an application has died"},
	oldMemoryUnmappedAtOnce: {Name: "old-memory-unmapped-at-once", Row: "V22", Property: memoryStays, Config: "restart",
		Doc: "an application unmaps everything of a layer that has died, though it has sessions there"},
	oldAttachmentKept: {Name: "old-attachment-kept", Row: "-", Property: memoryGoes, Config: "restart",
		Doc: "an application keeps what it has mapped of a layer that has died"},
	returnForgetsListeners: {Name: "return-forgets-listeners", Row: "-", Property: listenerStays, Config: "restart",
		Doc: "the server attaches to the next layer and does not bind its listener there"},
	returnWaitsForSessions: {Name: "return-waits-for-sessions", Row: "-", Property: appsReturn + " (0)", Config: "restart",
		Doc: "an application attaches to the next layer when the last session of the old one is over, and not before"},
	seed2018: {Name: "seed2018", Row: "the ancestor", Property: mappedIsKnown, Config: "small",
		Doc: "the mistakes of the ancestor that this machine can make, all at once"},
}
