package serve

import (
	"sync"
	"time"

	"cutthrough/impl/layer"
	"cutthrough/impl/server"
	"cutthrough/impl/wire"

	"github.com/prometheus/client_golang/prometheus"
)

// reasons are the labels of refusals. A server may answer with any number, so what is not here is one more.
var reasons = map[wire.Status]string{
	wire.Invalid: "invalid", wire.AddressInUse: "address_in_use", wire.AddressNotInUse: "address_not_in_use",
	wire.NoMemory: "no_memory", wire.Refused: "refused", wire.NotAttached: "not_attached",
	wire.NoNamespace: "no_namespace", wire.WrongSecret: "wrong_secret", wire.WrongScope: "wrong_scope",
	wire.AlreadyAttached: "already_attached", wire.Unsupported: "unsupported", wire.QuotaExceeded: "quota_exceeded",
	wire.TimedOut: "timed_out", wire.SelfConnect: "self_connect",
	wire.Denied: "denied",
}

// otherReason is the label of statuses without one of their own.
const otherReason = "other"

// requests are the requests that can be refused, by their replies.
var requests = map[wire.Type]string{
	wire.AttachReply: "attach", wire.BindReply: "bind", wire.UnbindReply: "unbind", wire.ConnectReply: "connect",
}

// meter is a core that counts what another core does. The server calls it under its lock; the counts may be read at any
// time.
type meter struct {
	server.Core
	count func() layer.Totals
	asked map[layer.Channel]map[uint64]time.Duration // when connects that wait were asked for, by request

	latency  prometheus.Histogram
	refusals *prometheus.CounterVec
	hangups  prometheus.Counter
	failures prometheus.Counter

	mu     sync.Mutex
	totals layer.Totals
}

// newMeter returns a meter of core, whose metrics are in registry.
func newMeter(core *layer.Core, registry prometheus.Registerer) *meter {
	m := &meter{
		Core: core, count: core.Totals,
		asked: map[layer.Channel]map[uint64]time.Duration{},
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "cutthrough_connect_seconds", Help: "Time from a connect to its session; the count is that of the connects that became sessions.",
			Buckets: prometheus.ExponentialBuckets(50e-6, 2.5, 14),
		}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "cutthrough_refusals_total", Help: "Requests that were refused, by reason."},
			[]string{"request", "reason"}),
		hangups:  prometheus.NewCounter(prometheus.CounterOpts{Name: "cutthrough_hangups_total", Help: "Channels that were hung up, for what the application sent or because none attached in time."}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "cutthrough_segment_failures_total", Help: "Segments that the system did not create."}),
	}
	registry.MustRegister(m.latency, m.refusals, m.hangups, m.failures)
	gauge := func(name, help string, value func(layer.Totals) float64) {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			return value(m.now())
		}))
	}
	gauge("cutthrough_applications", "Applications that are attached.", func(t layer.Totals) float64 { return float64(t.Apps) })
	gauge("cutthrough_listeners", "Listeners of all applications.", func(t layer.Totals) float64 { return float64(t.Listeners) })
	gauge("cutthrough_sessions", "Sessions in any state.", func(t layer.Totals) float64 { return float64(t.Sessions) })
	gauge("cutthrough_segments", "Segments in any state.", func(t layer.Totals) float64 { return float64(t.Segments) })
	gauge("cutthrough_segment_bytes", "Shared memory of all segments.", func(t layer.Totals) float64 { return float64(t.Bytes) })
	gauge("cutthrough_address_bytes", "Address space that segments and guards take.", func(t layer.Totals) float64 { return float64(t.Address) })
	return m
}

// registerAdmissions makes metrics of the channels that a server did not simply read.
func registerAdmissions(registry prometheus.Registerer, count func() server.Admissions) {
	counter := func(name, help string, value func(server.Admissions) uint64) {
		registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 {
			return float64(value(count()))
		}))
	}
	counter("cutthrough_channels_delayed_total", "Channels read later than they came, because their process or user connects often.", func(a server.Admissions) uint64 { return a.Delayed })
	counter("cutthrough_channels_refused_total", "Channels closed at once, because their process or user connects far too often.", func(a server.Admissions) uint64 { return a.Refused })
	counter("cutthrough_channels_evicted_total", "Channels closed because too many had not attached.", func(a server.Admissions) uint64 { return a.Evicted })
}

// now returns the totals. Safe for concurrent use.
func (m *meter) now() layer.Totals {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.totals
}

// Step implements [server.Core].
func (m *meter) Step(ev layer.Event) []layer.Effect {
	effects := m.Core.Step(ev)
	switch {
	case ev.Kind == layer.EventMessage && ev.Msg.Type == wire.Connect && m.Attached(ev.Channel):
		if m.asked[ev.Channel] == nil {
			m.asked[ev.Channel] = map[uint64]time.Duration{}
		}
		m.asked[ev.Channel][ev.Msg.RequestID] = ev.Now
	case ev.Kind == layer.EventGone:
		delete(m.asked, ev.Channel)
	case ev.Kind == layer.EventCreated && ev.Err != nil:
		m.failures.Inc()
	}
	for _, fx := range effects {
		switch fx.Kind {
		case layer.EffectSend:
			m.answer(ev.Now, fx.Channel, &fx.Msg)
		case layer.EffectHangup:
			m.hangups.Inc()
		}
	}
	m.mu.Lock()
	m.totals = m.count()
	m.mu.Unlock()
	return effects
}

// answer counts a reply.
func (m *meter) answer(now time.Duration, to layer.Channel, reply *wire.Message) {
	request, ok := requests[reply.Type]
	if !ok {
		return
	}
	if reply.Type == wire.ConnectReply {
		if asked, ok := m.asked[to][reply.RequestID]; ok {
			delete(m.asked[to], reply.RequestID)
			if reply.Status == wire.OK {
				m.latency.Observe((now - asked).Seconds())
			}
		}
	}
	if reply.Status != wire.OK {
		reason, ok := reasons[reply.Status]
		if !ok {
			reason = otherReason
		}
		m.refusals.WithLabelValues(request, reason).Inc()
	}
}
