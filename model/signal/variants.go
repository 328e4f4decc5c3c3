package signal

import "cutthrough/model/catalog"

// The variants, by their number in the table.
const (
	clearEventAfterSizeCheck = iota
	armEventWithoutLook
	drainWhatWasSeen
	eventNeverCleared
	setEventAfterRing
	eventNotMarked
	askBeforePublish
	flushOnlyAtEnd
	wantNtfWrittenBack
	wantNtfNotPublished
	armDequeueAfterLook
	skipRecheck
	ntfSentNotResetForDrain
	waitWithoutRearming
	notifyBeforeRelease
	notifyOnlyIfFull
	ntfSentSetAfterRing
	ntfSentNotSet
	freeSpaceOffByOne
	hangupUntold
	toldAgain
	rungForLess
	nothingPublished
)

// Variants returns the mistakes that the machine can make.
func Variants() []catalog.Variant {
	return []catalog.Variant{
		clearEventAfterSizeCheck: {Name: "clear-event-after-size-check", Row: "F01", Property: noLostWakeup, Config: "small",
			Doc: "the reader clears the event flag after it has looked whether the fifo is empty"},
		armEventWithoutLook: {Name: "arm-event-without-look", Row: "F30", Property: noLostWakeup, Config: "small",
			Doc: "the reader does not look again after it has cleared the event flag"},
		drainWhatWasSeen: {Name: "drain-what-was-seen", Row: "H-30", Property: noLostWakeup, Config: "small",
			Doc: "upon an event the reader reads the size, then clears the flag, then takes that many bytes"},
		eventNeverCleared: {Name: "event-never-cleared", Row: "H-31", Property: noLostWakeup, Config: "small",
			Doc: "the reader waits for events, but never clears the flag of the one it had"},
		setEventAfterRing: {Name: "set-event-after-ring", Row: "F21", Property: flagMeaning, Config: "small",
			Doc: "the writer sets the event flag after it has rung"},
		eventNotMarked: {Name: "event-not-marked", Row: "F23", Property: onlyOnce, Config: "medium",
			Doc: "the writer rings without setting the event flag: once for each write"},
		askBeforePublish: {Name: "ask-before-publish", Row: "-", Property: noLostWakeup, Config: "small",
			Doc: "the writer asks whether to ring before it publishes"},
		flushOnlyAtEnd: {Name: "flush-only-at-end", Row: "-", Property: noLostWakeup, Config: "small",
			Doc: "the writer publishes, but rings only when the whole call is enqueued"},
		wantNtfWrittenBack: {Name: "want-ntf-written-back", Row: "F20", Property: noLostWakeup, Config: "small",
			Doc: "the reader writes the request back as it read it"},
		wantNtfNotPublished: {Name: "want-ntf-not-published", Row: "F25", Property: noLostWakeup, Config: "small",
			Doc: "the request never gets to the shared word"},
		armDequeueAfterLook: {Name: "arm-dequeue-after-look", Row: "F31", Property: noLostWakeup, Config: "small",
			Doc: "the writer asks to be rung after its last look for space"},
		skipRecheck: {Name: "skip-recheck", Row: "F27", Property: noLostWakeup, Config: "small",
			Doc: "the writer does not look again after it has asked to be rung"},
		ntfSentNotResetForDrain: {Name: "ntf-sent-not-reset-for-drain", Row: "F32", Property: noLostWakeup, Config: "medium",
			Doc: "the flag of the notification is cleared only by a writer that waits for less than everything"},
		waitWithoutRearming: {Name: "wait-without-rearming", Row: "Q07", Property: noLostWakeup, Config: "medium",
			Doc: "a writer that is woken and does not find enough space sleeps again without asking again"},
		notifyBeforeRelease: {Name: "notify-before-release", Row: "F22", Property: noLostWakeup, Config: "small",
			Doc: "the reader asks whether to ring before it releases"},
		notifyOnlyIfFull: {Name: "notify-only-if-full", Row: "F24", Property: noLostWakeup, Config: "medium",
			Doc: "the reader rings only if the fifo was full"},
		ntfSentSetAfterRing: {Name: "ntf-sent-set-after-ring", Row: "F21", Property: noLostWakeup, Config: "small",
			Doc: "the reader sets the flag of the notification once more after it has rung"},
		ntfSentNotSet: {Name: "ntf-sent-not-set", Row: "F23", Property: onlyOnce, Config: "medium",
			Doc: "the reader rings without setting the flag of the notification: once for each read"},
		freeSpaceOffByOne: {Name: "free-space-off-by-one", Row: "-", Property: noOverrun, Config: "small",
			Doc: "the writer takes the fifo for one byte larger than it is"},
		hangupUntold: {Name: "hangup-untold", Row: "L3", Property: noLostWakeup, Config: "death",
			Doc: "a side that sleeps is not rung when the other dies"},
		toldAgain: {Name: "told-again", Row: "-", Property: asksNoMore, Config: "small",
			Doc: "the writer sets the event flag though it has just read that it is set"},
		rungForLess: {Name: "rung-for-less", Row: "-", Property: forRoom, Config: "death",
			Doc: "the reader notifies a writer that waits for more room than there is"},
		nothingPublished: {Name: "nothing-published", Row: "-", Property: moves, Config: "death",
			Doc: "a writer that finds the fifo full publishes all the same"},
	}
}
