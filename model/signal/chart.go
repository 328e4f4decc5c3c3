package signal

import (
	"fmt"

	"cutthrough/model/catalog"
)

// The columns of a chart.
const (
	columnWriter = iota
	columnReader
)

// Columns implements [catalog.Model].
func (m *Model) Columns() []string { return []string{"writer", "reader"} }

// Lines implements [catalog.Model].
func (m *Model) Lines(s State, action int, t State) []catalog.Line {
	column := columnWriter
	switch action {
	case aReaderLook, aRelease, aAskWant, aAskHas, aMarkHas, aReaderSpin, aClearEvent, aReaderSleep,
		aReaderWake, aReaderSpurious, aReaderTold, aReaderDies:
		column = columnReader
	case aRingReader:
		return []catalog.Line{catalog.Arrow(columnWriter, columnReader, "ring")}
	case aRingWriter:
		return []catalog.Line{catalog.Arrow(columnReader, columnWriter, "ring")}
	}
	return []catalog.Line{catalog.At(column, m.text(s, action, t))}
}

func (m *Model) text(s State, action int, t State) string {
	switch action {
	case aWriterLook:
		return fmt.Sprintf("head = %d", s.head-start)
	case aPublish:
		return fmt.Sprintf("tail := %d", t.tail-start)
	case aAskEvent:
		return fmt.Sprintf("event = %d", bit(s.event))
	case aMarkEvent:
		return fmt.Sprintf("event := %d, was %d", bit(t.event), bit(s.event))
	case aStoreWant:
		return fmt.Sprintf("want := %d", t.want)
	case aResetHas:
		return fmt.Sprintf("has := 0, was %d", bit(s.has))
	case aReaderLook:
		return fmt.Sprintf("tail = %d", s.tail-start)
	case aRelease:
		return fmt.Sprintf("head := %d", t.head-start)
	case aAskWant:
		if s.rpc == rPutBack {
			return fmt.Sprintf("want := %d, was %d", t.want, s.want)
		}
		return fmt.Sprintf("want = %d", s.want)
	case aAskHas:
		return fmt.Sprintf("has = %d", bit(s.has))
	case aMarkHas:
		return fmt.Sprintf("has := %d, was %d", bit(t.has), bit(s.has))
	case aClearEvent:
		return fmt.Sprintf("event := 0, was %d", bit(s.event))
	case aWriterSpin:
		return fmt.Sprintf("head = %d, room", s.head-start)
	case aReaderSpin:
		return fmt.Sprintf("tail = %d, news", s.tail-start)
	case aWriterSleep, aReaderSleep:
		return "sleeps"
	case aWriterWake, aReaderWake:
		return "takes the ring"
	case aWriterSpurious, aReaderSpurious:
		return "wakes for nothing"
	case aWriterTold, aReaderTold:
		return "is told that the other died"
	}
	return "dies"
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Describe implements [check.Describer].
func (m *Model) Describe(s State) string {
	return fmt.Sprintf("tail=%d head=%d event=%d want=%d has=%d; writer %s, reader %s",
		s.tail-start, s.head-start, bit(s.event), s.want, bit(s.has),
		side(s.wpc == wAsleep, s.wpc == wDone, s.wpc == wDead, s.wbell),
		side(s.rpc == rAsleep, s.rpc == rDone, s.rpc == rDead, s.rbell))
}

func side(asleep, done, dead, rung bool) string {
	is := "awake"
	switch {
	case asleep:
		is = "asleep"
	case done:
		is = "done"
	case dead:
		is = "dead"
	}
	if rung {
		is += " and rung"
	}
	return is
}
