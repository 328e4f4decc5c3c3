package layer

import (
	"maps"
	"slices"
	"time"

	"cutthrough/impl/layer/segments"
	"cutthrough/impl/wire"
)

// Stat is a picture of a session layer between two steps.
type Stat struct {
	Apps      []AppStat      `json:"applications"`
	Listeners []ListenerStat `json:"listeners"`
	Sessions  []SessionStat  `json:"sessions"`
	Segments  []SegmentStat  `json:"segments"`
	Pairs     []PairStat     `json:"pairs"`
	Users     []UserStat     `json:"users"`              // in the order of their numbers
	Bytes     uint64         `json:"bytes"`              // of all segments
	Used      uint64         `json:"address_bytes_used"` // guards included
	Uptime    time.Duration  `json:"uptime_ns"`
}

// AppStat is one attached application.
type AppStat struct {
	Handle    string  `json:"handle"`
	Channel   Channel `json:"-"`
	PID       int     `json:"pid"` // 0 when unknown
	UID       uint32  `json:"uid"`
	Namespace string  `json:"namespace"`
	Listeners int     `json:"listeners"`
	Pairs     int     `json:"pairs"` // others that it has sessions or segments with, once in each role
	Sessions  int     `json:"sessions"`
	Dialled   int     `json:"dialled"`  // sessions as the client that it has not given up
	Accepted  int     `json:"accepted"` // likewise as the server
	Bytes     uint64  `json:"bytes"`    // of segments that it pays for
	Backlog   int     `json:"backlog"`  // messages that wait for it
}

// UserStat is what the applications of one user have.
type UserStat struct {
	UID        uint32 `json:"uid"`
	Apps       int    `json:"applications"`
	Listeners  int    `json:"listeners"`
	Sessions   int    `json:"sessions"`   // that they pay for
	Bytes      uint64 `json:"bytes"`      // of segments that they pay for
	Unattached int    `json:"unattached"` // channels of the user without an application
}

// PairStat is what a client and a server have together.
type PairStat struct {
	Client   string `json:"client"`
	Server   string `json:"server"`
	Sessions int    `json:"sessions"` // those that the server has not given up
	Bytes    uint64 `json:"bytes"`    // of their segments
}

// ListenerStat is one listener.
type ListenerStat struct {
	Handle   string `json:"handle"`
	App      string `json:"application"`
	Endpoint string `json:"endpoint"`
}

// SessionStat is one session.
type SessionStat struct {
	Handle   string `json:"handle"`
	State    string `json:"state"`
	Client   string `json:"client"`
	Server   string `json:"server"`
	Endpoint string `json:"endpoint"`
	Segment  string `json:"segment"`
	RxSize   uint32 `json:"client_rx_bytes"`
	TxSize   uint32 `json:"client_tx_bytes"`
}

// Pending says whether the connect of the session is still to be answered.
func (s SessionStat) Pending() bool {
	return s.State == stateAlloc.String() || s.State == statePending.String()
}

// SegmentStat is one segment, its range in the address space and which applications have it mapped.
type SegmentStat struct {
	Handle string        `json:"handle"`
	State  string        `json:"state"`
	Base   wire.Location `json:"base"`
	Size   uint64        `json:"size"`
	Used   uint64        `json:"used"`
	Mapped []string      `json:"mapped_by"`
}

// Stat returns a picture of the session layer. PID and Backlog are of the channels, which only their
// owner knows: they are 0, and so is Uptime.
func (l *Core) Stat() Stat {
	st := Stat{
		Apps: []AppStat{}, Listeners: []ListenerStat{}, Sessions: []SessionStat{}, Segments: []SegmentStat{},
		Pairs: []PairStat{}, Used: l.segments.InUse(), Users: l.userStats(), Bytes: l.bytes,
	}
	l.apps.Each(func(h wire.Handle, a *app) {
		x := AppStat{Handle: h.String(), Channel: a.channel, UID: a.user, Listeners: len(a.listeners),
			Pairs: len(a.pairs), Sessions: a.sessions, Dialled: a.held[client], Accepted: a.held[server], Bytes: a.bytes}
		if a.ns < len(l.cfg.Namespaces) {
			x.Namespace = l.cfg.Namespaces[a.ns].Name
		}
		st.Apps = append(st.Apps, x)
	})
	l.listeners.Each(func(h wire.Handle, li *listener) {
		st.Listeners = append(st.Listeners, ListenerStat{h.String(), li.app.String(), li.endpoint.String()})
	})
	l.sessions.Each(func(h wire.Handle, x *session) {
		p := l.pairs.Get(x.pair)
		st.Sessions = append(st.Sessions, SessionStat{
			Handle: h.String(), State: stateText[x.state], Endpoint: x.endpoint.String(), Segment: x.segment.String(),
			Client: p.apps[client].String(), Server: p.apps[server].String(), RxSize: x.sizes[client], TxSize: x.sizes[server],
		})
	})
	l.pairs.Each(func(_ wire.Handle, p *pair) {
		st.Pairs = append(st.Pairs, PairStat{p.apps[client].String(), p.apps[server].String(), p.held[server], p.bytes})
	})
	l.segments.Each(func(g *segments.Segment) {
		p := l.pairs.Get(g.Owner)
		x := SegmentStat{Mapped: []string{}, Handle: g.Handle.String(), State: g.State.String(), Base: g.Base, Size: g.Size, Used: g.InUse()}
		for r, told := range g.Announced {
			if told {
				x.Mapped = append(x.Mapped, p.apps[r].String())
			}
		}
		st.Segments = append(st.Segments, x)
	})
	return st
}

// userStats returns what the users have that have anything.
func (l *Core) userStats() []UserStat {
	unattached := map[uint32]int{}
	for _, ch := range slices.Sorted(maps.Keys(l.channels)) {
		if c := l.channels[ch]; c.app == 0 {
			unattached[c.user]++
		}
	}
	uids := slices.Concat(slices.Sorted(maps.Keys(l.users)), slices.Sorted(maps.Keys(unattached)))
	slices.Sort(uids)
	all := []UserStat{}
	for _, uid := range slices.Compact(uids) {
		a := l.users[uid]
		all = append(all, UserStat{uid, a.apps, a.listeners, a.sessions, a.bytes, unattached[uid]})
	}
	return all
}

// Live returns how many sessions and segments there are.
func (l *Core) Live() (sessions, segments int) {
	l.sessions.Each(func(wire.Handle, *session) { sessions++ })
	return sessions, l.segments.Len()
}
