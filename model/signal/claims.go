package signal

// The properties that variants violate.
const (
	noLostWakeup = "L5: no side sleeps for ever"
	noOverrun    = "S6: no byte is overwritten before it is read"
	noUnderrun   = "S6: no byte is read before it is written"
	flagMeaning  = "a set flag means that a notification followed its last clearing"
	onlyOnce     = "at most one notification between two armings"
	ringsUntold  = "a side rings only after it has read that the other was not notified"
	asksNoMore   = "a side that has nothing to tell reads no further flag"
	asksForMore  = "a side asks to be rung only if it has seen too little"
	forRoom      = "the writer is rung for as much room as it wants, not for less"
	moves        = "what is published or released is not nothing"
	drained      = "a drain ends when all is released"
	allRead      = "L5: all bytes are read"
	allDone      = "L6: both sides come to an end"
)
