package evq

import "cutthrough/model/catalog"

// The variants, by their number in the table.
const (
	claimBeforeFill = iota
	tailNotHelped
	postWithoutCAS
	postIgnoresLap
	postOverwritesFull
	lapWrapsEarly
	pollKeepsLap
	drainBeforeRead
	armNonEmptyWithoutLook
	sleepOnFullQueue
	waitAgainWithoutArming
	wakeOneProducer
	waitersReadThenCleared
	waitersTakenBeforePoll
	wantBitLostByReload
	roomCheckedBeforeWant
	postClearsLaterSleep
	sleepClearedBeforeRing
	blockedPostDoesNotWake
	failedPostDoesNotWake
	deathUntold
	awakeUntold
	ringsAwake
	sleepNeverCleared
	asksAgain
	sleepsBesideRoom
	waitersStayOnList
)

// Variants returns the mistakes that the machine can make.
func Variants() []catalog.Variant {
	return []catalog.Variant{
		claimBeforeFill: {Name: "claim-before-fill", Row: "Q08", Property: noneCorrupt, Config: "small",
			Doc: "a producer claims a position by moving the tail before it fills the slot"},
		tailNotHelped: {Name: "tail-not-helped", Row: "Q02", Property: producersEnd, Config: "death",
			Doc: "only the producer that filled a slot moves the tail past it"},
		postWithoutCAS: {Name: "post-without-cas", Row: "Q09", Property: noneLost, Config: "small",
			Doc: "a slot is filled whatever it holds by then"},
		postIgnoresLap: {Name: "post-ignores-lap", Row: "F34b", Property: noneCorrupt, Config: "small",
			Doc: "any empty slot is filled, in whichever lap it is empty"},
		postOverwritesFull: {Name: "post-overwrites-full", Row: "Q01", Property: noneLost, Config: "small",
			Doc: "a slot that holds an event of the lap before is filled"},
		lapWrapsEarly: {Name: "lap-wraps-early", Row: "F34b", Property: noneCorrupt, Config: "medium",
			Doc: "laps are compared by their two lowest bits"},
		pollKeepsLap: {Name: "poll-keeps-lap", Row: "-", Property: noneCorrupt, Config: "small",
			Doc: "a slot is emptied for the lap that it was filled in"},
		drainBeforeRead: {Name: "drain-before-read", Row: "-", Property: inOrder, Config: "small",
			Doc: "the consumer reads the event after it has given the slot back"},
		armNonEmptyWithoutLook: {Name: "arm-nonempty-without-look", Row: "F33", Property: consumerWakes, Config: "small",
			Doc: "the consumer does not look again after it has said that it sleeps"},
		sleepOnFullQueue: {Name: "sleep-on-full-queue", Row: "L18", Property: producerWakes, Config: "small",
			Doc: "before it sleeps the consumer takes a full queue for an empty one"},
		waitAgainWithoutArming: {Name: "wait-again-without-arming", Row: "Q07", Property: producerWakes, Config: "medium",
			Doc: "a producer that is woken and finds no room sleeps again without asking again"},
		wakeOneProducer: {Name: "wake-one-producer", Row: "Q04", Property: producerWakes, Config: "medium",
			Doc: "the consumer takes all producers that wait for room off the list and rings one of them"},
		waitersReadThenCleared: {Name: "waiters-read-then-cleared", Row: "F20", Property: producerWakes, Config: "medium",
			Doc: "the consumer reads evq.want and clears it in a second step"},
		waitersTakenBeforePoll: {Name: "waiters-taken-before-poll", Row: "L01", Property: producerWakes, Config: "small",
			Doc: "the consumer takes evq.want before it makes room"},
		wantBitLostByReload: {Name: "want-bit-lost-by-reload", Row: "F20", Property: producerWakes, Config: "medium",
			Doc: "a producer that asks for room writes over what others wrote meanwhile"},
		roomCheckedBeforeWant: {Name: "room-checked-before-want", Row: "F31", Property: producerWakes, Config: "small",
			Doc: "a producer asks to be rung after its last look for room"},
		postClearsLaterSleep: {Name: "post-clears-later-sleep", Row: "F21", Property: consumerWakes, Config: "small",
			Doc: "after its ring a producer marks the consumer awake, even if the consumer has gone to sleep again"},
		sleepClearedBeforeRing: {Name: "sleep-cleared-before-ring", Row: "-", Property: producerWakes, Config: "stopped",
			Doc: "a producer rings the consumer after it has marked it awake"},
		blockedPostDoesNotWake: {Name: "blocked-post-does-not-wake", Row: "-", Property: producerWakes, Config: "stopped",
			Doc: "a producer that waits for room does not ring the consumer after its last look"},
		failedPostDoesNotWake: {Name: "failed-post-does-not-wake", Row: "-", Property: producersEnd, Config: "stopped",
			Doc: "a producer that finds no room does not ring the consumer"},
		deathUntold: {Name: "death-untold", Row: "L3", Property: consumerWakes, Config: "death",
			Doc: "the consumer is not rung when a producer has died"},
		awakeUntold: {Name: "awake-untold", Row: "-", Property: awakeSaysSo, Config: "small",
			Doc: "a consumer that has woken goes on without saying so"},
		ringsAwake: {Name: "rings-awake", Row: "-", Property: ringsAsleep, Config: "small",
			Doc: "a producer rings the consumer after each event, asleep or not"},
		sleepNeverCleared: {Name: "sleep-never-cleared", Row: "-", Property: saysSo, Config: "small",
			Doc: "a producer that has rung the consumer does not mark it awake"},
		asksAgain: {Name: "asks-again", Row: "-", Property: asksOnce, Config: "medium",
			Doc: "a producer asks for room though it has asked already"},
		sleepsBesideRoom: {Name: "sleeps-beside-room", Row: "-", Property: seenFull, Config: "small",
			Doc: "a producer looks for room after it has asked for it, and sleeps whatever it sees"},
		waitersStayOnList: {Name: "waiters-stay-on-list", Row: "-", Property: takenOff, Config: "small",
			Doc: "the consumer reads evq.want and does not clear it"},
	}
}
