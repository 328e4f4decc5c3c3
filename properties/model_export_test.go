package properties

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"cutthrough/model/catalog"
	"cutthrough/model/check"
	"cutthrough/model/evq"
	"cutthrough/model/signal"
	"cutthrough/sim/trace"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the exported schedules into testdata")

// exports is a model whose counterexamples become traces.
type exports[C any] struct {
	model    string
	export   func(context.Context, C, string, check.Options) (*trace.Trace, error)
	configs  []catalog.Config[C]
	variants []catalog.Variant
	not      []string // variants that the scenario cannot follow: who dies, what must come to pass
}

// TestExports: whoever goes on where a model goes wrong by mistake, the code does not, and comes to
// every place of the schedule. The schedules are those in testdata. Each of a variant that is a
// mutant, too, but for want-cas-reloads, was seen to violate a property under that mutant
// (simrun replay --mutant); one that changes has to be again.
func TestExports(t *testing.T) {
	got := exports[signal.Config]{"signal", ExportSignal, signal.Configs(), signal.Variants(), []string{"nobody-hangs-up"}}.text(t) +
		exports[evq.Config]{"evq", ExportEvq, evq.Configs(), evq.Variants(), []string{
			"death-untold",
		}}.text(t)
	const golden = "testdata/exports.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("do they still kill their mutants? (-update)\n%s", diff)
	}
}

// text returns the schedules of all variants.
func (x exports[C]) text(t *testing.T) string {
	var b strings.Builder
	for _, v := range x.variants {
		i := slices.IndexFunc(x.configs, func(c catalog.Config[C]) bool { return c.Name == v.Config })
		tr, err := x.export(t.Context(), x.configs[i].Value, v.Name, check.Options{})
		if (err != nil) != slices.Contains(x.not, v.Name) {
			t.Errorf("%s: %v", v.Name, err)
		}
		if err != nil {
			continue
		}
		r, err := Replay(tr)
		if err != nil || r.Verdict != trace.Pass || len(r.Unmet) > 0 {
			t.Errorf("%s: %v, %v, %v unmet\n%s", v.Name, r.Verdict, err, r.Unmet, trace.Format(tr))
		}
		fmt.Fprintf(&b, "%s %s\n", x.model, v.Name)
		for _, s := range tr.Schedule {
			fmt.Fprintf(&b, "\t%v\n", s)
		}
	}
	return b.String()
}
