package mutate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// boxSource has one of each kind of declaration.
const boxSource = `//go:build linux

// Package shm is about boxes.
package shm

import (
	"fmt"
	s "strings"
)

const (
	small = iota
	large
)

var sizes = map[int]string{small: "small"}

var _ fmt.Stringer = (*Box[int])(nil)

// A Box holds things.
type Box[T any] struct{ things []T }

func init() { sizes[large] = "large" }

// String says what is in the box.
func (b *Box[T]) String() string { return fmt.Sprint(b.things) }

//go:noinline
func pinned() int { return 1 }

func rescue() {
	if r := recover(); r != nil {
		fmt.Println(r)
	}
}

func guarded() {
	defer func() { _ = recover() }()
	fmt.Println(s.ToUpper("x"))
}
`

func TestCompare(t *testing.T) {
	type result struct{ Variants, Names, Imports []string }
	for _, tt := range []struct {
		name     string
		old, new string // what is replaced in boxSource
		want     result
		wantErr  string // or why it needs a program of its own
	}{
		{"body", "Println(s.", "Print(s.", result{Variants: []string{"guarded"}}, ""},
		{"body of a method", "Sprint(b", "Sprintln(b", result{Variants: []string{"Box.String"}}, ""},
		{"two bodies", "fmt.Print", "println(); fmt.Print", result{Variants: []string{"rescue", "guarded"}}, "rescue calls recover"},
		{"comment", "// A Box", "// A box", result{}, ""},
		{"helper", "func guarded() {\n", "func help() {}\n\nfunc guarded() {\n\thelp()\n", result{[]string{"guarded"}, []string{"help"}, nil}, ""},
		{"constant", "func guarded() {\n", "const most, least = 1, 0\n\nfunc guarded() {\n", result{nil, []string{"most", "least"}, nil}, ""},
		{"type with a method", "func guarded() {\n", "type lid int\n\nfunc (l *lid) open() {}\n\nfunc guarded() {\n", result{nil, []string{"lid"}, nil}, ""},
		{"variable without a value", "func guarded() {\n", "var n int\n\nfunc guarded() {\n", result{nil, []string{"n"}, nil}, ""},
		{"import", "\"fmt\"\n", "\"fmt\"\n\t\"os\"\n\tt \"time\"\n", result{Imports: []string{`"os"`, `t "time"`}}, ""},
		{"import is gone", "\ts \"strings\"\n", "", result{}, ""},
		{"function is there twice", "func rescue() {", "func guarded() {\n\tdefer func() { _ = recover() }()\n\tfmt.Println(s.ToUpper(\"x\"))\n}\n\nfunc rescue() {", result{}, "it declares guarded twice"},

		{"changed constant", "small = iota", "small = iota + 1", result{}, "it changes the declaration in line 11"},
		{"changed variable", `"small"}`, `"tiny"}`, result{}, "it changes the declaration in line 16"},
		{"changed type", "things []T }", "things []T; n int }", result{}, "it changes the declaration in line 21"},
		{"removed type", "type Box[T any] struct{ things []T }\n", "", result{}, "it changes the declaration in line 21"},
		{"changed init", `"large" }`, `"huge" }`, result{}, "it changes the declaration in line 23"},
		{"added init", "func guarded", "func init() {}\n\nfunc guarded", result{}, "it adds init"},
		{"added variable with a value", "func guarded", "var n = 1\n\nfunc guarded", result{}, "it adds a variable with a value"},
		{"added method", "func guarded", "func (*Box[T]) Len() int { return 0 }\n\nfunc guarded", result{}, "it adds Box.Len"},
		{"added name of the language", "func guarded", "func max(a, b int) int { return a }\n\nfunc guarded", result{}, "it redefines max"},
		{"added import without a name", "\"fmt\"\n", "\"fmt\"\n\t_ \"embed\"\n", result{}, `it adds import _ "embed"`},
		{"added dot import", "\"fmt\"\n", "\"fmt\"\n\t. \"os\"\n", result{}, `it adds import . "os"`},
		{"changed signature", "func guarded() {", "func guarded(...int) {", result{}, "it changes the signature of guarded"},
		{"changed result", "String() string {", "String() (_ string) {", result{}, "it changes the signature of Box.String"},
		{"value receiver", "(b *Box[T])", "(b Box[T])", result{}, "it changes the signature of Box.String"},
		{"removed function", "//go:noinline\nfunc pinned() int { return 1 }\n", "//go:noinline\n", result{}, "it removes pinned"},
		{"function with a directive", "return 1", "return 2", result{}, "pinned has a directive"},
		{"changed directive", "//go:noinline", "//go:nosplit", result{}, "it changes a directive"},
		{"changed constraint", "//go:build linux", "//go:build unix", result{}, "it changes a directive"},
		{"changed package", "package shm", "package ship", result{}, "it changes the name of the package"},
		{"recover", "r != nil", "r == nil", result{}, "rescue calls recover"},
		{"no Go", "func rescue() {", "func rescue( {", result{}, "shm/box.go:31:14: "},
		{"no function body", "func pinned() int { return 1 }", "func pinned() int", result{}, "it changes the signature of pinned"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			mutated := strings.Replace(boxSource, tt.old, tt.new, -1)
			if mutated == boxSource {
				t.Fatalf("%q is not in the source", tt.old)
			}
			c, err := compare(&Mutant{Name: "test"}, edit{"shm/box.go", boxSource, mutated})
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("error %v, want %q", err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, result{c.variants, c.names, c.imports}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCompareLineDirectives(t *testing.T) {
	text := "package shm\n\n//line y.go:1\nfunc f() {}\n"
	_, err := compare(&Mutant{}, edit{"shm/x.go", text, strings.Replace(text, "{}", "{ f() }", 1)})
	if err == nil || err.Error() != "the file has line directives" {
		t.Errorf("error %v, want that the file has line directives", err)
	}
}
