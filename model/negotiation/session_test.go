package negotiation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"cutthrough/model/monitor"
	"cutthrough/model/negotiation"
)

const stranger = negotiation.Stranger

var c, s = negotiation.SessionSides()

type seen = negotiation.SessionEvent

var (
	accepts   = []seen{{negotiation.TakenAccept, s}, {negotiation.ToldConnected, c}, settled}
	settled   = seen{negotiation.Settled, stranger}
	closes    = []seen{{negotiation.TakenDisconnect, c}, {negotiation.ToldDone, c}, {negotiation.ToldClosed, s}, settled}
	refuses   = []seen{{negotiation.TakenReject, s}, {negotiation.ToldRefused, c}, settled}
	halfClose = []seen{{negotiation.TakenFin, s}, {negotiation.ToldDone, s}, {negotiation.ToldFinished, c}, settled}
)

// TestWatchSession plays what may and may not be seen of a session.
func TestWatchSession(t *testing.T) {
	any := "any message of an application"
	for name, test := range map[string]struct {
		path    [][]seen
		allowed []string // nil: the path is one of the machine
	}{
		"both close":           {[][]seen{accepts, closes, {{negotiation.TakenReset, s}, {negotiation.ToldDone, s}, settled}}, nil},
		"confirmed":            {[][]seen{accepts, closes, {{negotiation.TakenConfirm, s}, settled, {negotiation.TakenReset, s}, {negotiation.ToldInvalid, s}}}, nil},
		"unasked answer":       {[][]seen{accepts, {{negotiation.TakenConfirm, s}, settled}, closes}, nil},
		"half-closed":          {[][]seen{accepts, halfClose, {{negotiation.TakenFin, s}, {negotiation.ToldInvalid, s}}, closes}, nil},
		"refused, then closed": {[][]seen{refuses, {{negotiation.TakenDisconnect, s}, {negotiation.ToldInvalid, s}}}, nil},
		"server closes early":  {[][]seen{{{negotiation.TakenDisconnect, s}, {negotiation.ToldDone, s}, {negotiation.ToldRefused, c}, settled}}, nil},
		"connect timeout":      {[][]seen{{{negotiation.ToldTimedOut, c}, {negotiation.ToldClosed, s}, settled, {negotiation.TakenAccept, s}, settled}}, nil},
		"close timeout":        {[][]seen{accepts, closes, {{negotiation.ToldReset, s}, settled}}, nil},
		"strangers":            {[][]seen{{{negotiation.TakenReset, stranger}, {negotiation.ToldInvalid, stranger}, {negotiation.TakenAccept, stranger}, settled}}, nil},
		"client dies":          {[][]seen{{{negotiation.Leaving, c}, {negotiation.ToldGone, s}, settled}}, nil},
		"client detaches":      {[][]seen{accepts, {{negotiation.TakenDetach, c}, {negotiation.ToldGone, s}, settled}}, nil},
		"both die":             {[][]seen{accepts, {{negotiation.Leaving, c}, {negotiation.Leaving, s}, settled}}, nil},
		"dies after closing":   {[][]seen{accepts, closes, {{negotiation.Leaving, s}, settled}}, nil},

		"accepted twice":       {[][]seen{accepts, {{negotiation.TakenAccept, s}, {negotiation.ToldConnected, c}}}, []string{any}},
		"refused unasked":      {[][]seen{accepts, {{negotiation.ToldRefused, c}}}, []string{any}},
		"closed unasked":       {[][]seen{accepts, {{negotiation.ToldClosed, c}}}, []string{any}},
		"both have left":       {[][]seen{accepts, {{negotiation.ToldGone, c}}}, []string{any}},
		"peer not told":        {[][]seen{accepts, closes[:2], {settled}}, []string{"server told: disconnect"}},
		"reset for a close":    {[][]seen{accepts, closes[:2], {{negotiation.ToldReset, s}}}, []string{"server told: disconnect"}},
		"half-close twice":     {[][]seen{accepts, halfClose[:3], {{negotiation.ToldFinished, c}}}, []string{any}},
		"second close is done": {[][]seen{accepts, closes, closes[:2]}, []string{"client told: reply invalid"}},
		"hurried twice":        {[][]seen{accepts, closes, {{negotiation.ToldReset, s}, {negotiation.ToldReset, s}}}, []string{any}},
		"hurried by a reset": {[][]seen{accepts, {{negotiation.TakenReset, c}, {negotiation.ToldDone, c}, {negotiation.ToldReset, s},
			{negotiation.ToldReset, s}}}, []string{any}},
		"disconnect for a death": {[][]seen{{{negotiation.Leaving, c}, {negotiation.ToldClosed, s}}},
			[]string{any, "client told: connect-reply refused", "client told: connect-reply timed out", "server told: reset, gone"}},
		"rejecting server told": {[][]seen{refuses[:2], {{negotiation.ToldClosed, s}}}, []string{any}},
		"the dead speak":        {[][]seen{{{negotiation.Leaving, c}, {negotiation.ToldGone, s}, {negotiation.TakenReset, c}}}, []string{any}},
		"a second accept":       {[][]seen{{{negotiation.ToldAccept, s}}}, []string{any, "client told: connect-reply refused", "client told: connect-reply timed out"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := negotiation.WatchSession()
			path := slices.Concat(test.path...)
			for i, e := range path {
				if v := m.Observe(e); v != monitor.Accepted && (test.allowed == nil || i < len(path)-1) {
					t.Fatalf("%d: %v: %v", i, e, m)
				}
			}
			if !slices.Equal(m.Allowed(), test.allowed) || (test.allowed != nil) != (m.Verdict() == monitor.Rejected) {
				t.Errorf("%v, want %s", m, strings.Join(test.allowed, ", "))
			}
		})
	}
}

// TestWatchSides plays what calls may and may not say of a session.
func TestWatchSides(t *testing.T) {
	side := func(kind, side uint8) negotiation.SideEvent { return negotiation.SideEvent{Kind: kind, Side: side} }
	opens, ending, learns := uint8(negotiation.Opened), uint8(negotiation.Ending), uint8(negotiation.Learned)
	for name, test := range map[string]struct {
		path []negotiation.SideEvent
		want monitor.Verdict
	}{
		"closed by the peer":     {[]negotiation.SideEvent{side(opens, s), side(opens, c), side(ending, c), side(learns, s)}, monitor.Accepted},
		"the dialler knows none": {[]negotiation.SideEvent{side(opens, s), side(learns, s)}, monitor.Accepted},
		"opened late":            {[]negotiation.SideEvent{side(opens, s), side(ending, s), side(opens, c), side(learns, c)}, monitor.Accepted},
		"after its own end":      {[]negotiation.SideEvent{side(opens, s), side(opens, c), side(ending, c), side(learns, c)}, monitor.Accepted},
		"without an end":         {[]negotiation.SideEvent{side(opens, s), side(opens, c), side(learns, c)}, monitor.Rejected},
		"opened twice":           {[]negotiation.SideEvent{side(opens, s), side(opens, s)}, monitor.Rejected},
	} {
		m := negotiation.WatchSides()
		for _, e := range test.path {
			m.Observe(e)
		}
		if m.Verdict() != test.want {
			t.Errorf("%s: %v", name, m)
		}
	}
	m := negotiation.WatchSides()
	for _, e := range []negotiation.SideEvent{side(opens, s), side(opens, c), side(learns, s)} {
		m.Observe(e)
	}
	if want := []string{"client ends it", "server ends it"}; !slices.Equal(m.Allowed(), want) {
		t.Errorf("allowed: %q, want %q", m.Allowed(), want)
	}
}

// TestWatchSessionConcludes walks through all sets of states that a monitor can have: it never
// gives up, and every event is possible somewhere but the second accept.
func TestWatchSessionConcludes(t *testing.T) {
	var events []seen
	for kind := range uint8(negotiation.Settled + 1) {
		for side := range uint8(3) {
			outside := kind < negotiation.TakenDetach || kind == negotiation.ToldInvalid || kind == negotiation.Settled
			connect := kind >= negotiation.ToldConnected && kind <= negotiation.ToldTimedOut
			if connect && side == c || !connect && (side != stranger || outside) {
				events = append(events, seen{kind, side})
			}
		}
	}
	possible := map[seen]bool{}
	paths := map[string][]seen{"": {}} // to a set of states
	todo := []string{""}
	for len(todo) > 0 {
		path := paths[todo[0]]
		todo = todo[1:]
		for _, e := range events {
			m := negotiation.WatchSession()
			for _, before := range path {
				m.Observe(before)
			}
			switch m.Observe(e) {
			case monitor.Inconclusive:
				t.Fatalf("%v, %v: %v", path, e, m)
			case monitor.Rejected:
				continue
			}
			possible[e] = true
			if key := fmt.Sprint(m.States()); paths[key] == nil {
				paths[key] = append(slices.Clone(path), e)
				todo = append(todo, key)
			}
		}
	}
	for _, e := range events {
		if want := e.Kind != negotiation.ToldAccept; possible[e] != want {
			t.Errorf("%v is possible: %v", e, !want)
		}
	}
}
