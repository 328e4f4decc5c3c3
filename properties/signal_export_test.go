package properties

import (
	"fmt"
	"slices"
	"testing"

	"cutthrough/model/catalog"
	"cutthrough/model/check"
	"cutthrough/model/signal"
	"cutthrough/sim/trace"

	"github.com/google/go-cmp/cmp"
)

// exportedSchedules are the schedules of the variants that are mutants, too. Each was seen to
// violate a property under its mutant (simrun replay --mutant); one that changes has to be again.
var exportedSchedules = map[string][]string{
	"clear-event-after-size-check": {
		"prod @ sig.event swap #1 -> cons", "cons @ bell.cons wait #1 -> prod",
		"prod @ fifo.tail store #2 -> cons", "cons @ sig.event swap #2 -> prod",
	},
	"arm-event-without-look": {
		"prod @ sig.event swap #1 -> cons", "cons @ bell.cons wait #1 -> prod",
		"prod @ fifo.tail store #2 -> cons", "cons @ sig.event swap #2 -> prod",
	},
	"ask-before-publish": {
		"prod @ fifo.head load #1 -> cons", "cons @ sig.want load #1 -> prod",
		"prod @ fifo.tail store #2 -> cons", "cons @ bell.cons wait #2 -> prod",
	},
	"flush-only-at-end":       {"prod @ fifo.tail store #1 -> cons", "cons @ bell.cons wait #1 -> prod"},
	"want-written-back":       {"prod @ sig.want store #1 -> cons", "cons @ sig.want load #2 -> prod", "prod @ bell.prod wait #1 -> cons"},
	"want-kept-private":       nil,
	"arm-dequeue-after-look":  {"prod @ sig.want store #1 -> cons", "cons @ fifo.tail load #2 -> prod"},
	"skip-recheck":            {"prod @ sig.want store #1 -> cons", "cons @ fifo.tail load #2 -> prod"},
	"has-not-reset-for-drain": {"prod @ bell.prod wait #1 -> cons", "cons @ fifo.tail load #3 -> prod"},
	"wait-without-rearming": {
		"prod @ fifo.head load #2 -> cons", "cons @ sig.want load #1 -> prod",
		"prod @ fifo.tail store #3 -> cons", "cons @ sig.has swap #1 -> prod",
		"prod @ bell.prod wait #1 -> cons", "cons @ fifo.tail load #3 -> prod",
	},
	"notify-before-release": {
		"prod @ fifo.head load #1 -> cons", "cons @ sig.want load #2 -> prod",
		"prod @ sig.want store #1 -> cons", "cons @ fifo.head store #3 -> prod",
	},
	"notify-only-if-full": {
		"prod @ sig.want store #1 -> cons", "cons @ fifo.tail load #2 -> prod",
		"prod @ fifo.tail store #3 -> cons", "cons @ fifo.head store #2 -> prod",
	},
	"set-has-after-ring": {"prod @ bell.prod wait #1 -> cons", "cons @ sig.has swap #2 -> prod", "prod @ bell.prod wait #2 -> cons"},
	"one-byte-too-many":  nil,
}

// TestExportSignal: whoever goes on where the model of the signals loses a wake-up by mistake, the code
// loses none, and comes to every place of the schedule. Nobody dies in the scenario.
func TestExportSignal(t *testing.T) {
	pinned := 0
	for _, v := range signal.Variants() {
		configs := signal.Configs()
		i := slices.IndexFunc(configs, func(c catalog.Config[signal.Config]) bool { return c.Name == v.Config })
		tr, err := ExportSignal(t.Context(), configs[i].Value, v.Name, check.Options{})
		if (err != nil) != (v.Name == "nobody-hangs-up") {
			t.Errorf("%s: %v", v.Name, err)
		}
		if err != nil {
			continue
		}
		r, err := Replay(tr)
		if err != nil || r.Verdict != trace.Pass || len(r.Unmet) > 0 {
			t.Errorf("%s: %v, %v, %v unmet\n%s", v.Name, r.Verdict, err, r.Unmet, trace.Format(tr))
		}
		want, ok := exportedSchedules[v.Name]
		if !ok {
			continue
		}
		pinned++
		var got []string
		for _, v := range tr.Schedule {
			got = append(got, fmt.Sprint(v))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: does it still kill its mutant?\n%s", v.Name, diff)
		}
	}
	if pinned != len(exportedSchedules) {
		t.Errorf("%d of %d schedules are of variants", pinned, len(exportedSchedules))
	}
}
