package evq

// The properties that variants violate.
const (
	noneLost      = "no event is lost, doubled or torn"
	inOrder       = "the events of a producer are taken in the order in which it posted them"
	noneCorrupt   = "no honest process takes the queue for corrupt"
	awakeSaysSo   = "a consumer that is awake has said so"
	ringsAsleep   = "a producer rings the consumer only after it has seen it asleep"
	saysSo        = "a producer that rang the consumer marks it awake, unless it was marked since"
	asksOnce      = "a producer asks for room once"
	seenFull      = "a producer sleeps only after it has seen the queue full"
	takenOff      = "a producer about to be rung for room does not ask for it any more"
	consumerWakes = "L5: the consumer does not sleep for ever beside an event"
	producerWakes = "L6: no producer sleeps for ever"
	producersEnd  = "L6: every producer comes to an end"
	allTaken      = "L5: every event is taken, and the consumer sleeps"
)
