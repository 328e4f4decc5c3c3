package evq

import (
	"fmt"
	"math/bits"
	"strings"

	"cutthrough/model/catalog"
)

// Actions implements [check.Model].
func (m *Model) Actions() []string {
	ops := make([]string, m.ops)
	copy(ops, []string{
		opLoadTail: "load tail", opLoadSlot: "load slot", opFill: "swap slot", opMove: "swap tail",
		opLoadSleep: "load sleep", opRing: "ring", opClear: "swap sleep", opLoadWant: "load want",
		opSwapWant: "swap want", opSpin: "see room", opSleep: "sleep", opWake: "take ring",
	})
	for _, optional := range []struct {
		op   int
		name string
	}{{m.opSpurious, "wake for nothing"}, {m.opDie, "die"}, {m.opTell, "tell of its death"}} {
		if optional.op >= 0 {
			ops[optional.op] = optional.name
		}
	}
	var all []string
	for p := range m.Producers {
		for _, op := range ops {
			all = append(all, fmt.Sprintf("producer %d: %s", p, op))
		}
	}
	for op, name := range []string{
		coLoadSlot: "load slot", coTake: "store slot", coLoadWant: "load want", coSwapWant: "swap want",
		coRing: "ring", coArm: "store sleep, asleep", coDisarm: "store sleep, awake", coSpin: "see event",
		coSleep: "sleep", coWake: "take ring", coSpurious: "wake for nothing",
	} {
		if op < coSpurious || m.Spurious {
			all = append(all, "consumer: "+name)
		}
	}
	return all
}

// Columns implements [catalog.Model].
func (m *Model) Columns() []string {
	var names []string
	for p := range m.Producers {
		names = append(names, fmt.Sprintf("producer %d", p))
	}
	return append(names, "consumer")
}

// Lines implements [catalog.Model].
func (m *Model) Lines(s State, action int, t State) []catalog.Line {
	consumer := int(m.Producers)
	if action >= consumer*m.ops {
		return []catalog.Line{m.consumerLine(&s, action-consumer*m.ops, &t)}
	}
	p := action / m.ops
	switch op := action % m.ops; op {
	case opRing:
		return []catalog.Line{catalog.Arrow(p, consumer, "ring")}
	case m.opTell:
		return []catalog.Line{catalog.At(consumer, fmt.Sprintf("is rung because %d died", p))}
	default:
		return []catalog.Line{catalog.At(p, m.producerText(&s, p, op, &t))}
	}
}

func (m *Model) producerText(s *State, p, op int, t *State) string {
	q, r := s.producers[p], t.producers[p]
	i, _ := m.place(q.at)
	switch op {
	case opLoadTail:
		return fmt.Sprintf("tail = %d", s.tail)
	case opLoadSlot:
		if q.pc == pRewait {
			i, _ = m.place(s.tail)
		}
		return fmt.Sprintf("slot %d = %s", i, s.slots[i])
	case opFill:
		return swapped(s.slots[i] != t.slots[i], fmt.Sprintf("slot %d", i), t.slots[i], s.slots[i])
	case opMove:
		return swapped(s.tail != t.tail, "tail", t.tail, s.tail)
	case opLoadSleep:
		return "sleep = " + word(s.sleep)
	case opClear:
		if !q.fresh && s.sleep == t.sleep {
			return "sleep has changed"
		}
		return "sleep := " + word(t.sleep)
	case opLoadWant:
		return "want = " + set(s.want)
	case opSwapWant:
		return swapped(s.want != t.want, "want", set(t.want), set(s.want))
	case opSpin:
		return "sees room"
	case opSleep:
		return "sleeps"
	case opWake:
		return "takes the ring"
	}
	if r.pc == pDead {
		return "dies"
	}
	return "wakes for nothing"
}

func swapped[V any](ok bool, name string, to, was V) string {
	if ok {
		return fmt.Sprintf("%s := %v", name, to)
	}
	return fmt.Sprintf("%s is %v", name, was)
}

func (m *Model) consumerLine(s *State, op int, t *State) catalog.Line {
	consumer := int(m.Producers)
	i, _ := m.place(s.head)
	text := ""
	switch op {
	case coLoadSlot:
		if s.pc == cLate {
			i, _ = m.place(s.head - 1)
		}
		text = fmt.Sprintf("slot %d = %s", i, s.slots[i])
	case coTake:
		text = fmt.Sprintf("slot %d := %s", i, t.slots[i])
	case coLoadWant:
		text = "want = " + set(s.want)
	case coSwapWant:
		text = "want := {}, was " + set(s.want)
	case coRing:
		p := bits.TrailingZeros8(s.waiters &^ t.waiters)
		for q := range t.producers {
			if t.producers[q].bell && !s.producers[q].bell {
				p = q
			}
		}
		return catalog.Arrow(consumer, p, "ring")
	case coArm, coDisarm:
		text = "sleep := " + word(t.sleep)
	case coSpin:
		text = "sees an event"
	case coSleep:
		text = "sleeps"
	case coWake:
		text = "takes the ring"
	case coSpurious:
		text = "wakes for nothing"
	}
	return catalog.At(consumer, text)
}

func word(asleep bool) string {
	if asleep {
		return "asleep"
	}
	return "awake"
}

// set prints the numbers of the bits.
func set(bitset uint8) string {
	var numbers []string
	for ; bitset != 0; bitset &= bitset - 1 {
		numbers = append(numbers, fmt.Sprint(bits.TrailingZeros8(bitset)))
	}
	return "{" + strings.Join(numbers, " ") + "}"
}

// String returns the lap and the event, if there is one: its producer and its number.
func (t slot) String() string {
	if t.event == 0 {
		return fmt.Sprintf("%d:-", t.lap)
	}
	return fmt.Sprintf("%d:p%d.%d", t.lap, t.event>>4, t.event&15)
}

// Describe implements [check.Describer].
func (m *Model) Describe(s State) string {
	var b strings.Builder
	fmt.Fprintf(&b, "slots %v tail=%d want=%s sleep=%s", s.slots[:m.Slots], s.tail, set(s.want), word(s.sleep))
	for p := range m.Producers {
		q := s.producers[p]
		fmt.Fprintf(&b, "; producer %d %s", p, side(q.pc == pAsleep, q.pc == pDone, q.pc > pDone, q.bell))
	}
	fmt.Fprintf(&b, "; consumer %s", side(s.pc == cAsleep, false, s.pc == cCorrupt, s.bell))
	return b.String()
}

func side(asleep, done, gone, rung bool) string {
	is := "awake"
	switch {
	case asleep:
		is = "asleep"
	case done:
		is = "done"
	case gone:
		is = "gone"
	}
	if rung {
		is += " and rung"
	}
	return is
}
