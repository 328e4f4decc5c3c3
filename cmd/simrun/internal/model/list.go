package model

import (
	"strings"

	"cutthrough/model/catalog"
	"cutthrough/model/check"
	"cutthrough/sim/cli"
)

// modelListResult is what models there are.
type modelListResult struct {
	cli.Header
	Models []listedModel `json:"models" doc:"what can be checked: model, doc, configs (config, doc), variants (name, row, property, config, doc)"`

	one bool // a single model was asked for
}

type listedModel struct {
	Model    string            `json:"model"`
	Doc      string            `json:"doc"`
	Configs  []listedConfig    `json:"configs"`
	Variants []catalog.Variant `json:"variants"`
}

type listedConfig struct {
	Config string `json:"config"`
	Doc    string `json:"doc"`
}

func newModelList(entries []catalog.Entry, one bool) *modelListResult {
	r := &modelListResult{one: one}
	for _, e := range entries {
		m := listedModel{Model: e.Name, Doc: e.Doc, Variants: e.Variants}
		for _, c := range e.Configs {
			m.Configs = append(m.Configs, listedConfig{c.Name, c.Doc})
		}
		r.Models = append(r.Models, m)
	}
	return r
}

func (r *modelListResult) Print(p *cli.Printer) {
	for i, m := range r.Models {
		if i > 0 {
			p.Linef("")
		}
		p.Linef("%s: %s", p.Paint(cli.Bold, m.Model), m.Doc)
		var rows [][]string
		for _, c := range m.Configs {
			rows = append(rows, []string{"  " + m.Model + "/" + c.Config, c.Doc})
		}
		p.Table(rows, nil)
		if !r.one && !p.Verbose {
			p.Linef("  %s", cli.Plural(len(m.Variants), "variant"))
			continue
		}
		p.Linef("")
		rows = [][]string{{"  variant", "row", "config", "what is wrong"}}
		for _, v := range m.Variants {
			rows = append(rows, []string{"  " + v.Name, v.Row, v.Config, v.Doc})
		}
		p.Table(rows, nil)
	}
	if !r.one && !p.Verbose {
		p.Linef("\n%s", p.Paint(cli.Faint, "simrun model --list MODEL tells more about one"))
	}
}

// variantsResult says which variants were noticed.
type variantsResult struct {
	cli.Header
	Variants []checkedVariant `json:"variants" doc:"the mistakes: variant, model, config, row, property, verdict (killed, survived or incomplete), steps, doc"`

	stopped bool
}

// The verdicts on a variant, besides that nothing is known.
const (
	variantKilled   = "killed"
	variantSurvived = "survived"
)

type checkedVariant struct {
	Variant  string `json:"variant"`
	Model    string `json:"model"`
	Config   string `json:"config"`
	Row      string `json:"row"`
	Property string `json:"property"`
	Verdict  string `json:"verdict"`
	Steps    int    `json:"steps"` // of the counterexample
	Doc      string `json:"doc"`

	stopped bool
}

func (r *variantsResult) Code() int {
	var codes []int
	if r.stopped {
		codes = append(codes, cli.ExitInterrupted)
	}
	for _, v := range r.Variants {
		switch {
		case v.Verdict == variantSurvived:
			codes = append(codes, cli.ExitSurvived)
		case v.stopped:
			codes = append(codes, cli.ExitInterrupted)
		case v.Verdict == check.Incomplete.String():
			codes = append(codes, cli.ExitInconclusive)
		}
	}
	return cli.Worst(codes)
}

func (r *variantsResult) Print(p *cli.Printer) {
	rows := [][]string{{"variant", "row", "config", "verdict", "steps", "property"}}
	found := 0
	for _, v := range r.Variants {
		steps := ""
		if v.Verdict == variantKilled {
			found++
			steps = cli.Count(v.Steps)
		}
		rows = append(rows, []string{v.Variant, v.Row, v.Model + "/" + v.Config, v.Verdict, steps, v.Property})
	}
	if !p.Quiet {
		p.Table(rows, func(row, column int, cell string) string {
			word := strings.TrimRight(cell, " ")
			if row == 0 || column != 3 {
				return cell
			}
			return strings.Replace(cell, word, p.Status(word), 1)
		})
		p.Linef("")
	}
	p.Linef("%d of %s killed", found, cli.Plural(len(r.Variants), "variant"))
}
