package core

import (
	"encoding/binary"
	"fmt"
	"slices"

	"cutthrough/model"
	"cutthrough/properties/oracle"
	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/exec"
	"cutthrough/sim/lin"
	"cutthrough/sim/scenario"
)

// The names of the legacy scenario's two servers, each of which places its
// segments by itself.
var redirectServers = []string{"s0", "s1"}

var (
	redirectKeys  = []scenario.Key{{Name: "arena", Default: 4, Min: 1, Max: 64}}
	redirectVerbs = scenario.Verbs{
		scenario.VerbOf("offer", redirectServers, offer{}, scenario.Number("pages", 1, 4, func(o *offer) *int { return &o.pages })),
		scenario.VerbOf("take", []string{"cli"}, take{}),
	}
)

// Operations of servers, and of the client.
type (
	offer struct{ pages int }
	take  struct{}
)

func redirectLegacy() *scenario.Scenario {
	return &scenario.Scenario{
		Name: "redirect-legacy", Verbs: redirectVerbs, Generate: genRedirect, Compile: compileRedirect,
		Sometimes: []string{"mapped"},
		Broken:    true,
		Doc:       "broken on purpose: applications place segments themselves, as redirects did",
		Long: `Before the session layer allocated every segment, the server of a cut-through session placed a segment
by itself and redirected the client to it. Here two servers do that: offer N creates a segment of N pages at an
address that the server chooses in its own view of the arena, and sends it to the client, which must resolve
addresses in it. The configuration has the size of the arena in pages.

The servers do not know each other's segments, so that sooner or later the client has two at one address
(NoOverlap). No repair inside this mechanism is possible; therefore the session layer places all segments.`,
	}
}

func genRedirect(src scenario.Source) scenario.Input {
	b := &scenario.Builder{Src: src, Verbs: redirectVerbs}
	b.Number("arena", 16, 8, 4)
	n := 0
	for _, s := range redirectServers {
		for range 1 + src.Intn(2, "offers") {
			b.Op(s, offer{1 + src.Intn(3, "pages")})
			n++
		}
	}
	for range n {
		b.Op("cli", take{})
	}
	return b.Input
}

func compileRedirect(c scenario.Input) (scenario.Program, error) {
	cfg, ops, err := scenario.ReadInput(c, redirectKeys, redirectVerbs)
	if err != nil {
		return scenario.Program{}, err
	}
	arena := uint64(cfg.Number("arena")) * shm.MinSegment
	checker := lin.Ranges(model.Ranges{End: 64 * shm.MinSegment})
	setup := func(w *sim.World) {
		cli := w.Process("cli")
		x := &redirectClient{w: w, h: cli}
		for _, name := range redirectServers {
			p := w.Process(name)
			mine, theirs := w.ConnPair(p, cli)
			x.from, x.servers = append(x.from, theirs), append(x.servers, name)
			p.Go(name, func() { offerAll(w, p, mine, arena, scenario.OpsOf[offer](ops, name)) })
		}
		cli.Go("cli", func() { x.run(len(scenario.OpsOf[take](ops, "cli"))) })
		w.AtEnd(oracle.NoOverlap, func() error { return oracle.CheckRanges(w.History(), checker, x.owner) })
	}
	return scenario.Program{Config: sim.Config{Races: true}, Setup: setup}, nil
}

// offerAll creates segments at addresses that the server chooses, and sends them.
func offerAll(w *sim.World, p *sim.Process, to shm.Conn, arena uint64, offers []offer) {
	next := uint64(0)
	for _, o := range offers {
		size := uint64(o.pages) * shm.MinSegment
		if next+size > arena {
			break
		}
		seg, err := p.CreateSegment(size)
		if err != nil {
			w.Fail(oracle.NoFalseCorrupt, "create: %v", err)
		}
		at := next + uint64(w.Choose(namePlace, int((arena-next-size)/shm.MinSegment)+1))*shm.MinSegment
		next = at + size
		msg := binary.LittleEndian.AppendUint64(nil, at)
		msg = binary.LittleEndian.AppendUint64(msg, size)
		if err := to.Send(msg, []shm.Desc{seg.Desc()}, shm.Forever); err != nil {
			w.Fail(oracle.NoFalseCorrupt, "send: %v", err)
		}
	}
	_ = to.Close()
}

var namePlace = shm.NewName("redirect.place")

// redirectClient maps the segments of the servers.
type redirectClient struct {
	w    *sim.World
	h    *sim.Process
	from []shm.Conn
	// servers has the name of the server of each connection in from, owners that of each range that was mapped.
	servers, owners []string
}

// owner describes the owner of the k-th range.
func (x *redirectClient) owner(k int, _ exec.Operation) string { return "server " + x.owners[k] }

func (x *redirectClient) run(takes int) {
	for range takes {
		if len(x.from) == 0 {
			return
		}
		i := x.w.Choose(namePlace, len(x.from))
		if !x.take(x.from[i], x.servers[i]) {
			x.from, x.servers = slices.Delete(x.from, i, i+1), slices.Delete(x.servers, i, i+1)
		}
	}
}

// take maps the next segment of a server and returns true, or false if the server has sent no more.
func (x *redirectClient) take(from shm.Conn, server string) bool {
	buf := make([]byte, 16)
	n, descs, err := from.Recv(buf, shm.Forever)
	if err != nil {
		return false
	}
	at, size := binary.LittleEndian.Uint64(buf), binary.LittleEndian.Uint64(buf[8:n])
	x.owners = append(x.owners, server)
	call := x.w.Call(model.RangeIn{Op: model.Alloc, N: size})
	if _, err := x.h.MapSegment(descs[0], size); err != nil {
		x.w.Fail(oracle.NoFalseCorrupt, "map: %v", err)
	}
	x.w.Return(call, model.RangeOut{Status: model.OK, Off: at, Len: size})
	x.w.Note("%s", fmt.Sprintf("maps [%#x, %#x)", at, at+size))
	x.w.Sometimes("mapped")
	return true
}
