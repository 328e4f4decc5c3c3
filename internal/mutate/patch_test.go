package mutate

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// swap is a diff of the module in newModule that makes simrun say "hallo".
const swap = `diff --git a/shm/greet.go b/shm/greet.go
index 0123abc..4567def 100644
--- a/shm/greet.go
+++ b/shm/greet.go
@@ -3,6 +3,6 @@ package shm
 // Greeting is what simrun says.
 func Greeting() string {
-	text := "hello"
+	text := "hallo"
 	text += ", world"
 	return text
 }
`

const documented = `The greeting is
in the wrong language.

Nobody would notice: but see above.

property: Understood
scenario: fifo-wakeup fifo=64
strategy: dfs:2

row: F01

` + swap

func TestParse(t *testing.T) {
	tests := []struct {
		name, text string
		want       Mutant
	}{
		{"documented", documented, Mutant{
			Story:    "The greeting is\nin the wrong language.\n\nNobody would notice: but see above.",
			Property: "Understood", Scenario: "fifo-wakeup fifo=64", Strategy: "dfs:2", Row: "F01",
			Files: []string{"shm/greet.go"}, Hunks: 1,
		}},
		{"diff alone", swap, Mutant{Files: []string{"shm/greet.go"}, Hunks: 1}},
		{"fields alone", "row: F01\n" + swap, Mutant{Row: "F01", Files: []string{"shm/greet.go"}, Hunks: 1}},
		{"no index line", strings.Replace(swap, "index 0123abc..4567def 100644\n", "", 1),
			Mutant{Files: []string{"shm/greet.go"}, Hunks: 1}},
		{"blank lines at the end", swap + "\n\n", Mutant{Files: []string{"shm/greet.go"}, Hunks: 1}},
		{"two files, two hunks", swap + strings.ReplaceAll(swap, "greet", "other") + "@@ -20 +20,2 @@\n+x\n same\n",
			Mutant{Files: []string{"shm/greet.go", "shm/other.go"}, Hunks: 3}},
		{"context line stripped of its blank", diffOf("a.go", "@@ -1,2 +1,2 @@", "", "-x", "+y"), Mutant{Files: []string{"a.go"}, Hunks: 1}},
		{"no newline at the end of the source", diffOf("a.go", "@@ -1,2 +1,2 @@", " x", "-y", `\ No newline at end of file`, "+z", `\ No newline at end of file`),
			Mutant{Files: []string{"a.go"}, Hunks: 1}},
		{"removed line that looks like a header", diffOf("a.go", "@@ -1,3 +1 @@", " x", "--- a/b.go", "-diff --git a/b.go b/b.go"),
			Mutant{Files: []string{"a.go"}, Hunks: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parse("x.patch", tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.want, got, cmpopts.IgnoreUnexported(Mutant{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestParseInsertOnly: one hunk that removes nothing is enough.
func TestParseInsertOnly(t *testing.T) {
	insert := diffOf("a.go", "@@ -1 +1,2 @@", " x", "+y")
	for text, want := range map[string]bool{swap: false, insert: true, insert + swap: true, swap + insert: true} {
		m, err := parse("x.patch", text)
		if err != nil {
			t.Fatal(err)
		}
		if m.insertOnly != want {
			t.Errorf("insertOnly is %v, want %v, for\n%s", m.insertOnly, want, text)
		}
	}
}

// diffOf returns a git diff of one file with the given hunk lines.
func diffOf(path string, hunk ...string) string {
	return fmt.Sprintf("diff --git a/%[1]s b/%[1]s\n--- a/%[1]s\n+++ b/%[1]s\n%s\n", path, strings.Join(hunk, "\n"))
}

// A rejection is a patch file that parse must refuse, the line to blame, and a
// part of the reason.
type rejection struct {
	name, text string
	line       int
	want       string
}

func wantRejected(t *testing.T, tests []rejection) {
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse("x.patch", tt.text)
			if !errors.Is(err, ErrPatch) {
				t.Fatalf("error %v, want ErrPatch", err)
			}
			if place := fmt.Sprintf(" x.patch:%d: ", tt.line); !strings.Contains(err.Error(), place) {
				t.Errorf("error %q, want it to name%q", err, place)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %q, want it to contain %q", err, tt.want)
			}
		})
	}
}

func TestParseRejectsText(t *testing.T) {
	wantRejected(t, []rejection{
		{"empty", "", 1, "no \"diff --git \" line"},
		{"story only", "Once upon a time.\n", 2, "no \"diff --git \" line"},
		{"unknown field", "Story.\n\nscenaro: x\n" + swap, 3, `unknown field "scenaro"`},
		{"capital field", "Row: x\n" + swap, 1, `unknown field "Row"`},
		{"empty field", "row:  \n" + swap, 1, `field "row" has no value`},
		{"field twice", "row: a\nrow: b\n" + swap, 2, `second field "row"`},
		{"story after fields", "row: a\n\nStory.\n" + swap, 3, "the story comes first"},
		{"plain diff", "--- a/a.go\n+++ b/a.go\n@@ -1 +1 @@\n-x\n+y\n", 1, "a diff without a"},
		{"plain diff before a git diff", "Story.\n@@ -1 +1 @@\n-x\n+y\n" + swap, 2, "a diff without a"},
		{"NUL", "a\x00b\n" + swap, 1, "not UTF-8 text"},
		{"not UTF-8", "ok\n\xff\n" + swap, 2, "not UTF-8 text"},
		{"DOS line ends", strings.ReplaceAll(swap, "\n", "\r\n"), 1, "Unix line ends"},
		{"truncated", strings.TrimSuffix(swap, "\n"), 12, "no newline"},
	})
}

// startOf returns the first lines of a git diff of a.go.
func startOf(lines ...string) string {
	return "diff --git a/a.go b/a.go\n" + strings.Join(lines, "\n") + "\n"
}

func TestParseRejectsPaths(t *testing.T) {
	hunk := []string{"@@ -1,2 +1,2 @@", " x", "-y", "+z"}
	wantRejected(t, []rejection{
		{"parent", diffOf("../../etc/x.go", hunk...), 1, "not a plain path"},
		{"parent inside", diffOf("shm/../../x.go", hunk...), 1, "not a plain path"},
		{"absolute", diffOf("/etc/x.go", hunk...), 1, "not a plain path"},
		{"dot", diffOf("./x.go", hunk...), 1, "not a plain path"},
		{"empty element", diffOf("shm//x.go", hunk...), 1, "not a plain path"},
		{"git's directory", diffOf(".git/x.go", hunk...), 1, "not a plain path"},
		{"backslash", diffOf(`..\x.go`, hunk...), 1, "not a plain path"},
		{"looks like a flag", diffOf("-x.go", hunk...), 1, "not a plain path"},
		{"blank in path", diffOf("shm/a b.go", hunk...), 1, "not a plain path"},
		{"empty path", diffOf("", hunk...), 1, "not a plain path"},
		{"no Go file", diffOf("go.mod", hunk...), 1, "not a plain path"},
		{"test", diffOf("shm/x_test.go", hunk...), 1, "a test is not part"},
		{"quoted path", "diff --git \"a/\\303.go\" \"b/\\303.go\"\n", 1, "want \"diff --git a/PATH b/PATH\""},
		{"two paths", "diff --git a/a.go b/b.go\n", 1, "with one PATH"},
		{"other old path", startOf("--- a/../b.go", "+++ b/a.go", "@@ -1,2 +1,2 @@", " x", "-y", "+z"), 2, `want "--- a/a.go", have "--- a/../b.go"`},
		{"other new path", startOf("--- a/a.go", "+++ b/../b.go", "@@ -1,2 +1,2 @@", " x", "-y", "+z"), 3, `want "+++ b/a.go"`},
		{"same file twice", swap + swap, 13, "second diff of this file"},
	})
}

func TestParseRejectsAllButEdits(t *testing.T) {
	wantRejected(t, []rejection{
		{"new file", startOf("new file mode 100644", "index 0..1", "--- /dev/null", "+++ b/a.go"), 2, "does not create"},
		{"new file by path", startOf("--- /dev/null", "+++ b/a.go"), 2, "does not create"},
		{"deleted by path", startOf("--- a/a.go", "+++ /dev/null"), 3, "does not create"},
		{"deleted file", startOf("deleted file mode 100644"), 2, "does not create"},
		{"rename", startOf("similarity index 90%", "rename from a.go"), 2, "does not create"},
		{"chmod", startOf("old mode 100644", "new mode 100755"), 2, "does not create"},
		{"symbolic link", startOf("index 012..345 120000", "--- a/a.go"), 2, "does not create"},
		{"binary", startOf("index 012..345 100644", "Binary files a/a.go and b/a.go differ"), 3, "does not create"},
		{"binary patch", startOf("GIT binary patch", "literal 1"), 2, "does not create"},
		{"no hunk", startOf("--- a/a.go", "+++ b/a.go"), 4, "want a hunk"},
		{"no hunk before the next file", startOf("--- a/a.go", "+++ b/a.go") + swap, 4, "want a hunk"},
		{"ends after the git line", startOf(), 2, "want \"--- a/a.go\""},
	})
}

func TestParseRejectsHunks(t *testing.T) {
	wantRejected(t, []rejection{
		{"hunk line", diffOf("a.go", "@@ nonsense @@", " x"), 4, "want a hunk"},
		{"huge count", diffOf("a.go", "@@ -1,99999999999999999999 +1 @@", " x"), 4, "want a hunk"},
		{"combined diff", diffOf("a.go", "@@@ -1,2 -1,2 +1,2 @@@", "  x"), 4, "want a hunk"},
		{"ends early", diffOf("a.go", "@@ -1,3 +1,3 @@", " x", "-y", "+z"), 8, "ends inside a hunk"},
		{"next file too early", diffOf("a.go", "@@ -1,3 +1,3 @@", " x", "-y", "+z") + swap, 8, "inside a hunk: its @@ line says 3 lines before and 3 after, have 2 and 2"},
		{"too many removed", diffOf("a.go", "@@ -1,1 +1,2 @@", " x", "-y", "+z"), 7, "longer than its @@ line"},
		{"too many added", diffOf("a.go", "@@ -1,2 +1,1 @@", " x", "+y", "-z"), 7, "longer than its @@ line"},
		{"line after the hunk", diffOf("a.go", "@@ -1,2 +1,2 @@", " x", "-y", "+z", "+z"), 8, "want \"diff --git"},
		{"mail signature", swap + "-- \n2.39.5\n", 13, "want \"diff --git"},
		{"no change", diffOf("a.go", "@@ -1,2 +1,2 @@", " x", " y"), 6, "changes nothing"},
		{"nothing", diffOf("a.go", "@@ -1,0 +1,0 @@"), 4, "changes nothing"},
		{"no context", diffOf("a.go", "@@ -1 +1 @@", "-x", "+y"), 6, "without context"},
	})
}

// render is the inverse of parse.
func render(m *Mutant) string {
	var b strings.Builder
	if m.Story != "" {
		b.WriteString(m.Story + "\n\n")
	}
	for _, f := range [][2]string{{"property", m.Property}, {"scenario", m.Scenario}, {"strategy", m.Strategy}, {"row", m.Row}} {
		if f[1] != "" {
			fmt.Fprintf(&b, "%s: %s\n", f[0], f[1])
		}
	}
	return b.String() + m.diff
}

// FuzzPatchHeader feeds the parser arbitrary files. What it accepts must stay
// inside the module and survive a round trip; the rest must be ErrPatch.
func FuzzPatchHeader(f *testing.F) {
	f.Add(documented)
	f.Add(swap)
	f.Add("row: F01\nrow: F02\n" + swap)
	f.Add(diffOf("../a.go", "@@ -1,2 +1,2 @@", " x", "-y", "+z"))
	f.Add(diffOf("a.go", "@@ -1,9999999 +1 @@", `\`, " x"))
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parse("x.patch", text)
		if err != nil {
			if !errors.Is(err, ErrPatch) || m != nil {
				t.Fatalf("mutant %v, error %v, want nil and ErrPatch", m, err)
			}
			return
		}
		if len(m.Files) == 0 || m.Hunks < len(m.Files) {
			t.Fatalf("%d files, %d hunks", len(m.Files), m.Hunks)
		}
		for _, file := range m.Files {
			if !filepath.IsLocal(file) || filepath.Clean(file) != file || filepath.Ext(file) != ".go" {
				t.Fatalf("path %q", file)
			}
		}
		again, err := parse("x.patch", render(m))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, again, cmp.AllowUnexported(Mutant{})); diff != "" {
			t.Fatal(diff)
		}
	})
}
