package cli

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"cutthrough/internal/clitest"
	"cutthrough/sim/explore"
	"cutthrough/sim/trace"
)

func TestInterruptEndsShrinking(t *testing.T) {
	a := probe().invocation(os.Stdout, os.Stderr, "probe")
	a.quiet = true
	s, err := a.find("test-sum")
	if err != nil {
		t.Fatal(err)
	}
	report, err := explore.Explore(s, explore.Options{Strategies: []explore.Strategy{explore.NewRandom(1)}, MaxExecutions: 1000})
	if err != nil || report.Violation == nil {
		t.Fatalf("%+v, %v", report, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f, _, err := a.minimize(ctx, s, report.Violation, nil)
	if err != nil || sizeOf(f) != sizeOf(report.Violation) {
		t.Errorf("interrupted at once: %+v, %v, want it as large as %+v", f, err, report.Violation)
	}
	g, _, err := a.minimize(t.Context(), s, report.Violation, nil)
	if err != nil || g.Failure.Property != "Sum" || sizeOf(g).Interventions >= sizeOf(f).Interventions {
		t.Errorf("not interrupted: %+v, %v, want it smaller than %+v", g, err, f)
	}
}

// TestInterrupt: the first signal ends a command with what is known so far, whatever the code under test does.
func TestInterrupt(t *testing.T) {
	dir := t.TempDir()
	good, stuck := filepath.Join(dir, "a-good.trace"), filepath.Join(dir, "b-stuck.trace")
	for path, name := range map[string]string{good: "test-idle", stuck: "test-stuck"} {
		if err := trace.WriteFile(path, &trace.Trace{Scenario: name, Want: trace.Pass}); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name, program, prefix, want string
		code                        int
		sig                         os.Signal
		args                        []string
	}{
		{"explore", "probe", "exploring", `^test-atomic: interrupted after `, ExitInterrupted, syscall.SIGTERM,
			[]string{"explore", "test-atomic", "--strategy", "random", "--time", "1h"}},
		{"task hangs", "probe", "exploring", `^NoHang violated  test-block`, ExitLiveness, syscall.SIGINT, []string{"explore", "test-block", "--time", "1h"}},
		{"setup hangs", "hasty", "stuck", `^test-stuck: interrupted after 0 executions`, ExitInterrupted, syscall.SIGINT, []string{"explore", "test-stuck", "--time", "1h"}},
		{"replay", "hasty", "stuck", `^drifted  \S+a-good.trace .* 4 steps\n$`, ExitInterrupted, syscall.SIGINT, []string{"replay", "-q", good, stuck}},
		{"check", "hasty", "stuck", `drifted +\S+a-good.trace .*\ninterrupted +\S+b-stuck.trace\n2 replays: 1 drifted, 1 interrupted\n$`, ExitInterrupted, syscall.SIGTERM, []string{"check", dir}},
		{"rebase", "hasty", "stuck", `^outdated  \S+a-good.trace .*\n1 trace to update: add -w\n$`, ExitInterrupted, syscall.SIGINT, []string{"rebase", "-w", good, stuck}},
		{"shrink", "hasty", "stuck", `^$`, ExitInterrupted, syscall.SIGINT, []string{"shrink", stuck}},
		{"json", "hasty", "stuck", `"exit":130,.*"outcome":"interrupted"`, ExitInterrupted, syscall.SIGINT, []string{"explore", "test-stuck", "--json"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, out := clitest.InterruptAt(t, tt.prefix, tt.sig, tt.program, tt.args...)
			if code != tt.code || !regexp.MustCompile(tt.want).MatchString(out) {
				t.Errorf("exit code %d, output %q; want %d and %q", code, out, tt.code, tt.want)
			}
		})
	}
}
