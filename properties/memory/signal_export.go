package memory

import (
	"context"
	"fmt"
	"slices"

	"cutthrough/model/catalog"
	"cutthrough/model/check"
	"cutthrough/model/signal"
	"cutthrough/sim/scenario"
	"cutthrough/sim/trace"
)

// promptSignal is the model of the two signals restricted to the runs of the scenario fifo-wakeup: without retries
// while a side waits, spurious wakes and deaths. The search stops at the first violation.
type promptSignal struct {
	*signal.Model
	property string
}

// Next implements [check.Model].
func (m promptSignal) Next(s signal.State, emit func(int, signal.State)) {
	m.Model.Next(s, func(action int, t signal.State) {
		if !signal.ByChance(action) {
			emit(action, t)
		}
	})
}

// Properties implements [check.Model].
func (m promptSignal) Properties() []check.Property[signal.State] {
	return slices.DeleteFunc(m.Model.Properties(), func(p check.Property[signal.State]) bool { return p.Name() != m.property })
}

// signalNames has the access name of each word of the model, and the process of each of its sides.
var (
	signalNames = map[string]string{
		"tail": "fifo.tail", "head": "fifo.head", "event": "fifo.has_event", "want": "fifo.want_deq_ntf", "has": "fifo.deq_ntf_sent",
		"writer": nameProdBell.String(), "reader": nameConsBell.String(),
	}
	signalTasks = map[bool]string{false: "prod", true: "cons"}
)

// ExportSignal returns a counterexample of the model of the two signals with a mistake, as a trace of the scenario
// fifo-wakeup whose schedule switches sides where the counterexample does. The code passes the trace, and fails it
// if it makes the same mistake. Of the configuration only the sizes are used, and each call has the largest size; a
// larger fifo is tried if the scenario can follow no counterexample. The error is that of the model, or says that
// there is no counterexample.
func ExportSignal(ctx context.Context, c signal.Config, variant string, o check.Options) (*trace.Trace, error) {
	for ; c.Capacity <= maxExported; c.Capacity, c.Bytes = c.Capacity+1, c.Bytes+1 {
		m, run, err := promptRun(ctx, c, variant, o)
		if err != nil {
			return nil, err
		}
		if run == nil {
			continue
		}
		t := &trace.Trace{
			Story:    trace.Wrap(fmt.Sprintf("A counterexample of %s to %q: the order of its steps.", m.Name(), m.property), 95),
			Scenario: "fifo-wakeup", Want: trace.Pass,
		}
		t.Config, t.Workload = wakeupSizes(c)
		if ok, err := follow(fifoWakeup(), t, signalTasks[false], signalMoves(run), len(run)-1); ok || err != nil {
			return t, err
		}
	}
	return nil, fmt.Errorf("signal with %s: no counterexample that the scenario fifo-wakeup can follow", variant)
}

// maxExported is the capacity of the largest fifo that is tried.
const maxExported = 4

// wakeupSizes returns the workload of the scenario fifo-wakeup for a configuration of the model.
func wakeupSizes(c signal.Config) ([]trace.KV, []trace.Op) {
	b := &scenario.Builder{Verbs: wakeupVerbs}
	b.Set("fifo", c.Capacity)
	for left := c.Bytes; left > 0; left -= min(left, c.Write) {
		b.Op("prod", write{int(min(left, c.Write))})
	}
	b.Op("prod", drain{})
	b.Op("cons", read{int(c.Read)})
	return b.Input.Config, b.Input.Workload
}

// promptRun returns a counterexample, or nil if there is none.
func promptRun(ctx context.Context, c signal.Config, variant string, o check.Options) (promptSignal, []check.Step[signal.State], error) {
	c.Any, c.Batch, c.Spurious, c.Death = false, c.Capacity, false, false
	m, err := signal.New(c, variant)
	if err != nil {
		return promptSignal{}, nil, err
	}
	variants := signal.Variants()
	i := slices.IndexFunc(variants, func(v catalog.Variant) bool { return v.Name == variant })
	p := promptSignal{m, variants[i].Property}
	r, err := check.Run(ctx, p, o)
	if err != nil || r.Outcomes[0].Verdict != check.Violated {
		return p, nil, err
	}
	return p, r.Outcomes[0].Trace, nil
}

// signalMoves returns the steps of a run as the scenario sees them.
func signalMoves(run []check.Step[signal.State]) []move {
	var moves []move
	for i, x := range run[1:] {
		v := move{task: signalTasks[signal.Reads(x.Action)], sleeps: signal.Sleeps(x.Action)}
		if a, ok := signal.AccessOf(run[i].State, x.Action); ok {
			v.at = place{signalNames[a.Word], a.Op}
		}
		moves = append(moves, v)
	}
	return moves
}
