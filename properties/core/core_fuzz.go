package core

import (
	"time"

	"cutthrough/impl/layer"
	"cutthrough/impl/layer/segments"
	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/scenario"
)

var nameCoreFuzzStep = shm.NewName("core-fuzz.step")

var fuzzKeys = []scenario.Key{
	{Name: "fifo", Default: 1000, Min: 1, Max: 20000},
	{Name: "linger", Words: []string{"0", "1s"}},
	{Name: "created", Words: []string{"now", "later"}},
	{Name: "quotas", Words: []string{"ample", "tight", "bytes", "users", "pairs"}},
	{Name: "users", Default: 1, Min: 1, Max: 2},
}

func coreFuzzScenario() *scenario.Scenario {
	return &scenario.Scenario{
		Name: "core-fuzz", Verbs: fuzzVerbs, Generate: genCoreFuzz, Compile: compileCoreFuzz, OneTask: true,
		Sometimes: []string{"established", "freed", "overdue", "evicted"},
		Doc:       "the core of the session layer, and three applications that send any message at any time",
		Long: `Drives layer.Core without a server around it: applications, kernel and clock act one after the other. An
application sends any message about any object that exists or has existed, its own or not. It answers a notification
as it should, with an error, twice, or not at all. The argument K of a message picks the K-th newest object of its
kind.

Checked: layer.Core.CheckInvariants after every step (Invariant); each message, against the messages before it
(ExactlyOneReply, MapBeforeUse and the other message properties) and session by session (RefinesSession, if segments
are created at once); each answer that names, scopes and quotas decide (Directory); each effect on memory: blocks lie
inside their segment, are zeroed before they are used again, and a segment is destroyed only when no application has
it (SegmentLifecycle). At the end hours pass: then each connect is answered, each close that was not confirmed has
become a reset, and no segment of an idle pair is mapped (BoundedLiveness). A channel without an attached
application is hung up after the time of a handshake, and no other is (HandshakeBound). Then all applications die, and the layer
holds nothing (Reclaimed).`,
	}
}

func compileCoreFuzz(c scenario.Input) (scenario.Program, error) {
	cfg, ops, err := scenario.ReadInput(c, fuzzKeys, fuzzVerbs)
	if err != nil {
		return scenario.Program{}, err
	}
	lc := layer.Config{
		Namespaces: fuzzNamespaces, QueueSlots: 4, SegmentSize: 4 * segments.Page, FifoSize: uint32(cfg.Number("fifo")),
		ConnectTimeout: 10 * time.Second, CloseTimeout: 5 * time.Minute, HandshakeTimeout: fuzzHandshake,
	}
	if cfg.Word("linger") == "1s" {
		lc.Linger = time.Second
	}
	switch cfg.Word("quotas") {
	case "bytes":
		lc.MaxBytes = 8 * segments.Page
	case "users":
		lc.MaxUserApps, lc.MaxUserListeners, lc.MaxUserSessions, lc.MaxUserBytes = 2, 1, 2, 8*segments.Page
	case "pairs":
		lc.MaxSessions, lc.MaxPairSessions, lc.MaxPairs, lc.MaxBytes, lc.MaxTotalBytes = 3, 2, 2, 6*segments.Page, 6*segments.Page
	case "tight":
		lc.MaxApps, lc.MaxListeners, lc.MaxSessions, lc.MaxBytes = 2, 1, 2, 12*segments.Page
		lc.Base, lc.End = 1<<30, 1<<30+13*segments.Page
	}
	setup := func(w *sim.World) {
		p := w.Process("all")
		p.Go("all", func() {
			seg, err := p.CreateSegment(shm.MinSegment)
			scenario.Must(err)
			x := newFuzzer(w, lc, cfg.Word("created") == "later")
			for i, name := range fuzzApps {
				x.apps[name].user = uint32(i % cfg.Number("users"))
			}
			step := seg.Uint64(shm.SegmentHeader, nameCoreFuzzStep)
			for i, o := range ops {
				step.Store(x.said)
				w.Note("%v", c.Workload[i])
				x.do(o)
			}
			x.end()
			step.Store(x.said)
			scenario.Must(seg.Close())
		})
	}
	return scenario.Program{Config: sim.Config{}, Setup: setup}, nil
}
