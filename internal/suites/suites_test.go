package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseDifferences(t *testing.T) {
	got, err := parseDifferences("# all\n\nnet/http  TestA/#01 has  a reason\ncrypto/tls TestA sometimes too\n")
	want := []difference{{"net/http", "TestA/#01", "has a reason", false}, {"crypto/tls", "TestA", "sometimes too", true}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	for _, bad := range []string{"net/http TestA", "a B c\na B d"} {
		if _, err := parseDifferences(bad); err == nil {
			t.Errorf("%q was parsed", bad)
		}
	}
}

// TestList: the list in the tree names suites.
func TestList(t *testing.T) {
	list, err := parseDifferences(differences)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		if !slices.ContainsFunc(suites, func(s suite) bool { return s.pkg == d.pkg }) {
			t.Errorf("no suite %s, of %s", d.pkg, d.test)
		}
	}
}

func TestChoose(t *testing.T) {
	all := []suite{{pkg: "a"}, {pkg: "b"}, {pkg: "ab"}}
	for _, tt := range []struct {
		only, skip string
		want       []suite
	}{{"", "", all}, {"a", "", []suite{all[0], all[2]}}, {"", "a", all[1:2]}, {"a", "^ab", all[:1]}} {
		if got, err := choose(all, tt.only, tt.skip); err != nil || !slices.EqualFunc(got, tt.want, func(a, b suite) bool { return a.pkg == b.pkg }) {
			t.Errorf("%q %q: %v, %v", tt.only, tt.skip, got, err)
		}
	}
	for _, bad := range [][2]string{{"c"}, {"", "."}, {"("}, {"", "("}} {
		if got, err := choose(all, bad[0], bad[1]); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

func TestCompare(t *testing.T) {
	sockets := outcomes{"Same": passed, "Fails": "fail", "Skipped": skipped, "Lost": passed, "P": passed, "P/a": passed, "P/b": passed, "Px": passed, "Ended": passed}
	sessions := outcomes{"Same": passed, "Fails": passed, "Skipped": passed, "P": "fail", "P/a": passed, "P/b": "fail", "Px": "fail", "Ended": endless, "New": "fail"}
	if got, want := compare(sockets, sessions), []string{"Ended", "Lost", "P/b", "Px", "Skipped"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := compare(sockets.without([]string{"P", "Lost", "Px", "Ended", "Skipped"}), sessions); got != nil {
		t.Errorf("%q differ that are listed", got)
	}
}

func TestStale(t *testing.T) {
	sockets := outcomes{"A": passed, "B": passed, "C": "fail"}
	for _, tt := range []struct {
		test string
		over outcome
		ok   bool
	}{
		{"A", "fail", true}, {"A", skipped, true}, {"A", endless, true}, {"A", passed, false},
		{"A", notThere, true}, {"C", passed, true}, {"D", notThere, false},
	} {
		if err := stale(tt.test, sockets, outcomes{tt.test: tt.over}); (err == nil) != tt.ok {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}

func TestBasis(t *testing.T) {
	for _, tt := range []struct {
		sockets outcomes
		ok      bool
	}{{nil, false}, {outcomes{"A": "fail"}, false}, {outcomes{"A": passed, "B": endless}, false}, {outcomes{"A": skipped, "B": "fail"}, true}} {
		if err := tt.sockets.basis(); (err == nil) != tt.ok {
			t.Errorf("%v: %v", tt.sockets, err)
		}
	}
}

// TestPattern: a pattern matches its tests only, element by element.
func TestPattern(t *testing.T) {
	first, second, _ := strings.Cut(pattern([]string{"TestA/x.y|z"}), "/")
	if !regexp.MustCompile(first).MatchString("TestA") || regexp.MustCompile(first).MatchString("TestAB") ||
		!regexp.MustCompile(second).MatchString("x.y|z") || regexp.MustCompile(second).MatchString("xxy|z") {
		t.Errorf("%s and %s", first, second)
	}
	if got, want := pattern([]string{"A", "B"}), "^A$|^B$"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestRead(t *testing.T) {
	r, err := read(strings.NewReader(strings.Join([]string{
		`{"Action":"start"}`, `{"Action":"run","Test":"A"}`, `{"Action":"output","Test":"A","Output":"a\n"}`, `{"Action":"pass","Test":"A"}`,
		`{"Action":"run","Test":"B"}`, `no JSON`, `{"Action":"output","Output":"panic\n"}`, `{"Action":"fail"}`,
	}, "\n")))
	want := result{outcomes: outcomes{"A": passed, "B": endless}, output: map[string]string{"A": "a\n", "": "no JSON\npanic\n"}}
	if diff := cmp.Diff(want, r, cmp.AllowUnexported(result{})); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// TestTree: a tree has the files of another one by links, its edits, and no file of the other one changes.
func TestTree(t *testing.T) {
	like := t.TempDir()
	for _, name := range []string{"a/b/edited", "a/b/kept", "a/c/deep/kept", "kept"} {
		path := filepath.Join(like, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("old and old"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	was := files(t, like)
	own, err := newTree(filepath.Join(t.TempDir(), "own"), like)
	if err != nil {
		t.Fatal(err)
	}
	defer own.own.Close()
	if err := own.edit([]edit{{"a/b/edited", "old", "new"}, {"a/b/edited", "new and", "newer and"}}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a/c/deep/added", "a/d/added"} { // below a link to a directory that is there, and not
		if err := own.put(name, "added"); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{
		"a/b/edited": "newer and new", "a/b/kept": "old and old", "a/c/deep/kept": "old and old", "kept": "old and old",
		"a/c/deep/added": "added", "a/d/added": "added",
	}
	if diff := cmp.Diff(want, files(t, own.dir)); diff != "" {
		t.Errorf("the tree: %s", diff)
	}
	if diff := cmp.Diff(was, files(t, like)); diff != "" {
		t.Errorf("the other tree has changed: %s", diff)
	}
	if err := own.edit([]edit{{"kept", "absent", ""}}); err == nil {
		t.Error("an edit of text that is not there was made")
	}
}

// files returns the files below a directory, through links.
func files(t *testing.T, dir string) map[string]string {
	found := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			for name, text := range files(t, path) {
				found[e.Name()+"/"+name] = text
			}
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found[e.Name()] = string(text)
	}
	return found
}
