package main

import (
	"fmt"
	"reflect"
	"strings"
)

// documents are the results that simrun help json describes.
var documents = []struct {
	command string
	v       any
}{
	{"every command", header{}},
	{"list", listResult{}},
	{"explore", exploreResult{}},
	{"explore: violation", violation{}},
	{"replay", replayResult{}},
	{"replay: traces", replayed{}},
	{"shrink", shrinkResult{}},
	{"check", checkResult{}},
	{"check: traces", checked{}},
	{"rebase", rebaseResult{}},
	{"rebase: traces", rebased{}},
	{"mutate", mutateResult{}},
	{"mutate: mutants", killed{}},
	{"model", modelResult{}},
	{"model without CONFIG", modelsResult{}},
	{"model --variants", variantsResult{}},
	{"model --list", modelListResult{}},
	{"demo", demoResult{}},
	{"serve", serveResult{}},
	{"stat", statResult{}},
	{"version", versionResult{}},
}

// jsonHelp returns the fields of the results with their documentation, which is
// kept next to them in the code.
func jsonHelp() string {
	var b strings.Builder
	b.WriteString("With --json a command writes one object and a newline to standard output, also when it\n")
	b.WriteString("fails. Progress and messages go to standard error. Help and completion are text in any case.\n")
	for _, d := range documents {
		fmt.Fprintf(&b, "\n%s\n", d.command)
		for _, f := range jsonFields(reflect.TypeOf(d.v), d.command != "every command") {
			fmt.Fprintf(&b, "  %-13s  %s\n", f.name, f.doc)
		}
	}
	return b.String()
}

type jsonField struct{ name, doc string }

// jsonFields returns the fields of a struct, those of the header only if wanted.
func jsonFields(t reflect.Type, skipHeader bool) []jsonField {
	var fs []jsonField
	for f := range t.Fields() {
		switch {
		case f.Anonymous && f.Type == reflect.TypeFor[header]() && skipHeader:
		case f.Anonymous:
			fs = append(fs, jsonFields(f.Type, skipHeader)...)
		case f.IsExported():
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			fs = append(fs, jsonField{name, f.Tag.Get("doc")})
		}
	}
	return fs
}
