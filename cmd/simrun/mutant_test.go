package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"cutthrough/internal/mutate"
	"cutthrough/internal/proctest"
	"cutthrough/sim/trace"

	"github.com/google/go-cmp/cmp"
)

// killers returns the traces of the corpus by the mutants that they kill.
func killers(t *testing.T) map[string][]string {
	t.Helper()
	paths, err := filepath.Glob("../../traces/*.trace")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	found := make(map[string][]string)
	for _, path := range paths {
		x, err := trace.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range x.Kills {
			found[k.Mutant] = append(found[k.Mutant], path)
		}
	}
	return found
}

// TestCommonProgram: the execution of a trace in the program that several mutants share
// is that of the program which has been built from the mutant's exact source.
func TestCommonProgram(t *testing.T) {
	root, err := mutate.ModuleRoot(".", "cutthrough")
	if err != nil {
		t.Fatal(err)
	}
	p := mutate.Project{Root: root, Dir: app().Mutants, Command: "./cmd/simrun"}
	paths := killers(t)
	var ms []*mutate.Mutant
	names := []string{"skip-recheck", "handle-generation-ignored", "handle-index-truncated"}
	for _, name := range names {
		m, err := p.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		ms = append(ms, m)
	}
	var mu sync.Mutex
	replay := func(plan *mutate.Plan) map[string]string {
		found := make(map[string]string)
		for _, err := range plan.Run(t.Context(), 2, func(m *mutate.Mutant, program mutate.Program) error {
			var r struct {
				Traces []struct{ Path, Status, Verdict, Digest string }
			}
			args := append([]string{"replay", "--json", "--quiet", "--mutated=" + m.Name, "--"}, paths[m.Name]...)
			var out bytes.Buffer
			if _, err := program.Run(t.Context(), &out, io.Discard, args...); err != nil {
				return err
			}
			err := json.Unmarshal(out.Bytes(), &r)
			mu.Lock()
			defer mu.Unlock()
			for _, v := range r.Traces {
				found[m.Name+" "+v.Path] = strings.Join([]string{v.Status, v.Verdict, v.Digest}, " ")
			}
			return err
		}) {
			if err != nil {
				t.Error(err)
			}
		}
		return found
	}
	common, alone := p.Plan(t.Context(), ms), make(map[string]string)
	built := ms[:proctest.Rounds(t, 1, len(ms))]
	for _, m := range built {
		maps.Copy(alone, replay(p.Plan(t.Context(), []*mutate.Mutant{m})))
	}
	if common.Shared() != len(ms) || len(alone) < len(built) {
		t.Errorf("%d of %d mutants share a program, %d replays", common.Shared(), len(ms), len(alone))
	}
	shared := replay(common)
	maps.DeleteFunc(shared, func(of, _ string) bool { _, ok := alone[of]; return !ok })
	if diff := cmp.Diff(alone, shared); diff != "" {
		t.Error(diff)
	}
}
