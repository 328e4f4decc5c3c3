package cli

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// documents returns what help json describes.
func (a *Invocation) documents() []Document {
	docs := []Document{
		{"list", listResult{}},
		{"explore", Exploration{}},
		{"replay", replayResult{}},
		{"shrink", shrinkResult{}},
		{"check", checkResult{}},
		{"rebase", rebaseResult{}},
		{"mutate", mutateResult{}},
		{"merge", Exploration{}},
	}
	for _, c := range a.app.Commands {
		docs = append(docs, c.Documents...)
	}
	return append(docs, Document{"version", versionResult{}})
}

// jsonHelp returns the fields of the objects with their documentation, which is kept next to them in the code.
func jsonHelp(docs []Document) string {
	var b strings.Builder
	b.WriteString("With --json a command writes one object and a newline to standard output, also when it\n")
	b.WriteString("fails. Progress and messages go to standard error. Help and completion are text in any case.\n")
	b.WriteString("Fields of an object within an object, or of the objects of a list, are indented below it.\n")
	b.WriteString("\nevery command\n")
	writeFields(&b, "  ", jsonFields(reflect.TypeFor[Header](), false))
	for _, d := range docs {
		fmt.Fprintf(&b, "\n%s\n", d.Name)
		writeFields(&b, "  ", jsonFields(reflect.TypeOf(d.Object), true))
	}
	return b.String()
}

// jsonField is one field of an object, with the fields of what it holds.
type jsonField struct {
	name, doc string
	fields    []jsonField
}

func writeFields(b *strings.Builder, indent string, fields []jsonField) {
	width := 13
	for _, f := range fields {
		width = max(width, len(f.name))
	}
	for _, f := range fields {
		fmt.Fprintf(b, "%s%-*s  %s\n", indent, width, f.name, f.doc)
		writeFields(b, indent+"  ", f.fields)
	}
}

// jsonFields returns the fields of a struct, those of the Header only if wanted. Structs whose fields have no documentation
// are described by the field that holds them.
func jsonFields(t reflect.Type, skipHeader bool) []jsonField {
	var fs []jsonField
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && f.Type == reflect.TypeFor[Header]() && skipHeader, name == "-":
		case f.Anonymous && name == "":
			fs = append(fs, jsonFields(f.Type, skipHeader)...)
		case f.IsExported():
			fs = append(fs, jsonField{name, f.Tag.Get("doc"), heldFields(f.Type)})
		}
	}
	return fs
}

// heldFields returns the fields of the struct that t is, points to or is a list of, if they are documented.
func heldFields(t reflect.Type) []jsonField {
	for !asText(t) && slices.Contains([]reflect.Kind{reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map}, t.Kind()) {
		t = t.Elem()
	}
	if asText(t) || t.Kind() != reflect.Struct {
		return nil
	}
	fields := jsonFields(t, true)
	if !slices.ContainsFunc(fields, func(f jsonField) bool { return f.doc != "" }) {
		return nil
	}
	return fields
}

// asText says whether values of t decide themselves what they are in JSON.
func asText(t reflect.Type) bool {
	return t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) || t.Implements(reflect.TypeFor[json.Marshaler]())
}
