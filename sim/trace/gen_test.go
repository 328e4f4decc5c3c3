package trace_test

import (
	"strings"

	"cutthrough/sim/exec"
	"cutthrough/sim/trace"

	"pgregory.net/rapid"
)

var (
	genName   = rapid.StringMatching(`[A-Za-z0-9_][A-Za-z0-9_.\-/:+\[\]]{0,9}`)
	genMutant = rapid.StringMatching(`[A-Za-z0-9_][A-Za-z0-9_.\-:+\[\]]{0,9}`)
	genWord   = rapid.StringMatching(`[!-~]{1,10}`)
	genErrno  = rapid.StringMatching(`[A-Z][A-Z0-9_]{0,9}`)
	genStory  = rapid.Map(rapid.StringMatching(`[ -~éß漢«\x{301}\x{1F600}\x{FFFD}]{0,30}`), func(s string) string {
		return strings.TrimRight(s, " ")
	})
)

// genEffect generates every kind of effect with the argument that it takes.
var genEffect = rapid.Custom(func(t *rapid.T) exec.Effect {
	e := exec.Effect{Kind: exec.Kind(rapid.IntRange(int(exec.Switch), int(exec.NumKinds)-1).Draw(t, "kind"))}
	switch e.Kind.Target() {
	case "task", "process":
		e.Target = genName.Draw(t, "target")
	case "errno":
		e.Target = genErrno.Draw(t, "errno")
	}
	if e.Kind.Number() {
		e.Arg = rapid.Uint64().Draw(t, "value")
	}
	return e
})

var genOp = rapid.Custom(func(t *rapid.T) trace.Op {
	return trace.Op{
		Proc: genName.Draw(t, "proc"),
		Verb: genName.Draw(t, "verb"),
		Args: genList(t, "args", genWord, 3),
	}
})

var genIntervention = rapid.Custom(func(t *rapid.T) exec.Intervention {
	return exec.Intervention{
		Task:   genName.Draw(t, "task"),
		Name:   genName.Draw(t, "name"),
		Op:     genName.Draw(t, "op"),
		Nth:    rapid.IntRange(1, trace.MaxNumber).Draw(t, "nth"),
		Effect: genEffect.Draw(t, "effect"),
	}
})

// genTrace generates valid traces in normal form: empty lists are nil.
var genTrace = rapid.Custom(func(t *rapid.T) *trace.Trace {
	tr := &trace.Trace{
		Story:    genList(t, "story", genStory, 4),
		Scenario: genName.Draw(t, "scenario"),
		Workload: genList(t, "workload", genOp, 5),
		Schedule: genList(t, "schedule", genIntervention, 5),
		Want:     trace.Pass,
		Digest:   rapid.Uint64().Draw(t, "digest"),
		Steps:    rapid.IntRange(0, trace.MaxNumber).Draw(t, "steps"),
	}
	property := genName.Filter(func(s string) bool { return s != trace.Pass })
	if rapid.Bool().Draw(t, "violation") {
		tr.Want = property.Draw(t, "want")
	}
	for _, key := range genDistinct(t, "config", genName) {
		tr.Config = append(tr.Config, trace.KV{Key: key, Value: genWord.Draw(t, "value")})
	}
	claimed := property.Filter(func(s string) bool { return s != tr.Want })
	for _, mutant := range genDistinct(t, "kills", genMutant) {
		tr.Kills = append(tr.Kills, trace.Kill{Mutant: mutant, Property: claimed.Draw(t, "property")})
	}
	return tr
})

func genList[T any](t *rapid.T, label string, g *rapid.Generator[T], most int) []T {
	if list := rapid.SliceOfN(g, 0, most).Draw(t, label); len(list) > 0 {
		return list
	}
	return nil
}

func genDistinct(t *rapid.T, label string, g *rapid.Generator[string]) []string {
	return rapid.SliceOfNDistinct(g, 0, 4, rapid.ID[string]).Draw(t, label)
}
