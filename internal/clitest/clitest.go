// Package clitest runs testscripts against the command lines of this module. It is for tests.
package clitest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"cutthrough/internal/proctest"
)

// Scripts runs the scripts below testdata/script of the package under test. In a script MODULE is the root of this module, which
// is at root seen from the package, UNIQUE is for names that all processes of the machine share, and USERID is the user. Besides the commands of
// testscript there are code, until, last, json and atmost, and the conditions long, for what takes long
// (see [proctest.Long]), and root.
func Scripts(t *testing.T, root string) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			module, err := filepath.Abs(root)
			if err != nil {
				return err
			}
			e.Setenv("MODULE", module)
			e.Setenv("UNIQUE", strconv.Itoa(os.Getpid()))
			e.Setenv("USERID", strconv.Itoa(os.Getuid()))
			e.Setenv("GITHUB_ACTIONS", "") // the scripts say when GitHub is watching
			return passGoEnv(e)
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "long":
				return proctest.Long(), nil
			case "root":
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code":   code,
			"until":  until,
			"last":   last,
			"json":   jsonField,
			"atmost": atMost,
		},
	})
}

// passGoEnv lets scripts build mutants: without the caches everything would be compiled anew.
func passGoEnv(e *testscript.Env) error {
	out, err := exec.Command("go", "env", "-json", "GOCACHE", "GOMODCACHE", "GOFLAGS", "GOTOOLCHAIN").Output()
	if err != nil {
		return fmt.Errorf("go env: %w", err)
	}
	var vars map[string]string
	if err := json.Unmarshal(out, &vars); err != nil {
		return err
	}
	for k, v := range vars {
		e.Setenv(k, v)
	}
	e.Setenv("GOFLAGS", vars["GOFLAGS"]+" -ldflags=-w") // without debug information they are linked in half the time
	return nil
}

// code runs a command and wants an exit code: code N COMMAND ARG...
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND ARG...")
	}
	wantCode(ts, args[0], ts.Exec(args[1], args[2:]...))
}

// until repeats a command until it succeeds, with a pause between attempts: until COMMAND ARG...
// Standard output is both outputs of the command that succeeded.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: until COMMAND ARG...")
	}
	if ts.Exec("sh", append([]string{"-c", untilLoop, attempts}, args...)...) != nil { // one Exec, because each is logged
		ts.Fatalf("%v never succeeded", args)
	}
}

// attempts is how often until tries.
const attempts = "500"

// untilLoop is the program of until. It tries $0 times, and prints the first and the last failure if none succeeds.
const untilLoop = `
for try in $(seq "$0"); do
	out=$("$@" 2>&1) && { printf '%s\n' "$out"; exit 0; }
	test "$try" -gt 1 || first=$out
	sleep 0.02
done
printf 'attempt 1: %s\nattempt %d: %s\n' "$first" "$0" "$out" >&2
exit 1
`

func wantCode(ts *testscript.TestScript, want string, err error) {
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != want {
		ts.Fatalf("exit code %d, want %s", got, want)
	}
}

// last runs the last line of standard output in a shell: last N
func last(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: last N")
	}
	lines := strings.Split(strings.TrimSuffix(ts.ReadFile("stdout"), "\n"), "\n")
	ts.Logf("> %s", lines[len(lines)-1])
	wantCode(ts, args[0], ts.Exec("sh", "-c", lines[len(lines)-1]))
}

// jsonField looks at standard output, which has to be one object: json PATH, or json PATH VALUE,
// with a path like violation.property or traces.0.status. If no value is given the
// field has to exist; with ! it must not.
func jsonField(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: json PATH [VALUE]")
	}
	d := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	var v any
	ts.Check(d.Decode(&v))
	if d.More() {
		ts.Fatalf("more than one object")
	}
	got, ok := lookup(v, strings.Split(args[0], "."))
	switch {
	case neg && ok:
		ts.Fatalf("%s is %v, want none", args[0], got)
	case !neg && !ok:
		ts.Fatalf("no %s", args[0])
	case len(args) == 2 && fmt.Sprint(got) != args[1]:
		ts.Fatalf("%s is %v, want %s", args[0], got, args[1])
	}
}

func lookup(v any, path []string) (any, bool) {
	for _, key := range path {
		switch x := v.(type) {
		case map[string]any:
			var ok bool
			if v, ok = x[key]; !ok {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(x) {
				return nil, false
			}
			v = x[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// atMost bounds the lines of standard output: atmost N
func atMost(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(strings.Join(args, " "))
	if neg || err != nil {
		ts.Fatalf("usage: atmost N")
	}
	if got := strings.Count(ts.ReadFile("stdout"), "\n"); got > n || got == 0 {
		ts.Fatalf("%d lines, want at most %d", got, n)
	}
}
