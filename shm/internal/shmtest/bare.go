package shmtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// CompareBare measures what the hook costs benchmarks of the calling package. Two processes take
// turns to run each of them: this test binary, and one that was built without the hook.
func CompareBare(b *testing.B, benchmarks ...string) {
	bare := filepath.Join(b.TempDir(), "bare.test")
	buildBare(b, bare)
	for _, bench := range benchmarks {
		b.Run(bench, func(b *testing.B) {
			var with, without, ratios []float64
			for b.Loop() {
				w, wo := runBench(b, os.Args[0], bench), runBench(b, bare, bench)
				with, without, ratios = append(with, w), append(without, wo), append(ratios, w/wo)
			}
			b.ReportMetric(0, "ns/op") // of a round: says nothing
			b.ReportMetric(Median(with), "hook-ns")
			b.ReportMetric(Median(without), "bare-ns")
			b.ReportMetric(Median(ratios), "x-bare")
		})
	}
}

// runBench runs one benchmark of a test binary for a moment and returns its ns/op.
func runBench(b *testing.B, binary, bench string) float64 {
	out, err := exec.Command(binary, "-test.run=^$", "-test.bench=^"+bench+"$", "-test.benchtime=20ms").CombinedOutput()
	m := regexp.MustCompile(`([\d.]+) ns/op`).FindSubmatch(out)
	if err != nil || m == nil {
		b.Fatalf("%s: %v\n%s", bench, err, out)
	}
	ns, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return ns
}

// buildBare builds the tests of the calling package, on a package shm that does not test for a hook.
func buildBare(b *testing.B, binary string) {
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "cutthrough/shm").Output()
	if err != nil {
		b.Fatalf("go list: %v", err)
	}
	replace, dir := map[string]string{}, b.TempDir()
	for _, file := range []string{"word_unsafe.go", "range.go"} {
		path := filepath.Join(strings.TrimSpace(string(out)), file)
		replace[path] = filepath.Join(dir, file)
		if err := os.WriteFile(replace[path], unhook(b, path), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		b.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		b.Fatal(err)
	}
	if out, err := exec.Command("go", "test", "-c", "-overlay", list, "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("go test -c: %v\n%s", err, out)
	}
}

// unhook returns a file without its tests for a hook: of a statement "if w.p == nil" or
// "if r.hook != nil" only the else branch is left.
func unhook(b *testing.B, path string) []byte {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, 0)
	if err != nil {
		b.Fatal(err)
	}
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		block, ok := n.(*ast.BlockStmt)
		if !ok {
			return true
		}
		var kept []ast.Stmt
		for _, stmt := range block.List {
			if s, ok := stmt.(*ast.IfStmt); ok && testsHook(s.Cond) {
				found++
				if els, ok := s.Else.(*ast.BlockStmt); ok {
					kept = append(kept, els.List...)
				}
				continue
			}
			kept = append(kept, stmt)
		}
		block.List = kept
		return true
	})
	var out bytes.Buffer
	if err := format.Node(&out, set, file); err != nil || found == 0 {
		b.Fatalf("%s: %d tests of a hook found: %v", path, found, err)
	}
	return out.Bytes()
}

func testsHook(cond ast.Expr) bool {
	e, ok := cond.(*ast.BinaryExpr)
	if !ok {
		return false
	}
	x, ok := e.X.(*ast.SelectorExpr)
	return ok && fmt.Sprint(e.Y) == "nil" && (x.Sel.Name == "p" && e.Op == token.EQL || x.Sel.Name == "hook" && e.Op == token.NEQ)
}
