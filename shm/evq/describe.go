package evq

import "cutthrough/shm"

// SlotName returns the name under which accesses to slots appear in traces. For tools that show executions.
func SlotName() shm.Name { return nameSlot }

// EventIn returns the event that a word of a slot holds, and whether it holds one. For tools that show executions; any word is
// fine.
func EventIn(word uint64) (Event, bool) {
	ev := slotWord(word).event()
	return ev, ev.Kind != 0
}
