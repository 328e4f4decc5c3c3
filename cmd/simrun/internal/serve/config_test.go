package serve

import (
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// loaded returns the options of serve with args.
func loaded(args ...string) (*options, error) {
	o, cmd := defaultOptions(), &cobra.Command{SilenceErrors: true, SilenceUsage: true}
	cmd.SetErr(io.Discard)
	o.flags(cmd)
	cmd.SetArgs(args)
	cmd.RunE = func(*cobra.Command, []string) error { return o.load(cmd.Flags()) }
	return o, cmd.Execute()
}

// write writes files, by name, to a directory of their own, which becomes the working directory.
func write(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWrongSettings: what is wrong with a setting is said with the flag, or with file and line.
func TestWrongSettings(t *testing.T) {
	write(t, map[string]string{
		"unknown.conf":  "linger = 1s\n\nmax-app = 7\n",
		"twice.conf":    "linger = 1s\n# again\nlinger = 1s\n",
		"flag.conf":     "json = true\n",
		"self.conf":     "config = good.conf\n",
		"noequals.conf": "linger = 1s\nmax-apps 3\n",
		"value.conf":    "max-apps = many\n",
		"nosecret":      "hunter2\n",
		"public":        "0x1234\n",
	})
	if err := os.Chmod("public", 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ args, want string }{
		{"--config unknown.conf", `^unknown\.conf:3: unknown key "max-app": did you mean max-apps\?$`},
		{"--config twice.conf", `^twice\.conf:3: linger is also set in line 1$`},
		{"--config flag.conf", `^flag\.conf:1: unknown key "json"`},
		{"--config self.conf", `^self\.conf:1: unknown key "config"`},
		{"--config noequals.conf", `^noequals\.conf:2: want key = value$`},
		{"--config value.conf", `^value\.conf:1: max-apps = many: want a whole number of at least 1$`},
		{"--config value.conf --max-apps 3", `^value\.conf:1: max-apps`}, // also what a flag overrules
		{"--config missing.conf", `missing\.conf: no such file`},
		{"--config .", `is a directory`},
		// A limit of 0 would mean the default, so it is refused; so is what makes no sense together.
		{"--max-apps 0", `want a whole number of at least 1`},
		{"--fifo 0", `want more than 0`},
		{"--max-user-apps -1", `want a whole number, 0 for the default`},
		{"--handshake-timeout 0s", `want a time of at least 1ns`},
		{"--allow-users no-such-user", `unknown user`},
		{"--allow-groups 1,,2", `want names or numbers`},
		{"--close-timeout 0s", `want a time of at least 1ns`},
		{"--linger -1s", `want a time of at least 0s`},
		{"--fifo 4G", `want less than 4G`},
		{"--segment-size 5000", `^settings: .* no number of pages`},
		{"--socket-mode 0", `want three octal digits`},
		{"--socket-group no-such-group", `unknown group`},
		{"--log-level loud", `want debug, info, warn or error`},
		{"--log-format xml", `want text or json`},
		{"--log-rate NaN", `want a number of lines`},
		// A secret is in a file that others cannot read, and in no message.
		{"--namespace secret-file=public", `public has mode -rw-r--r--: other users must not read it`},
		{"--namespace secret-file=nosecret", `nosecret: want one number`},
		{"--namespace secret=5", `want name=NAME`},
		{"--namespace name=a --namespace name=a", `namespace "a" is there twice`},
	} {
		_, err := loaded(strings.Fields("--socket x " + tt.args)...)
		if err == nil || !regexp.MustCompile(tt.want).MatchString(err.Error()) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v, want %q", tt.args, err, tt.want)
		}
	}
}

// TestFlagsOverrule: a flag overrules the file, also one that may be repeated.
func TestFlagsOverrule(t *testing.T) {
	write(t, map[string]string{"good.conf": "max-apps = 7\nmax-pairs = 5\nnamespace = name=blue\nnamespace = name=green\n"})
	o, err := loaded("--config", "good.conf", "--max-apps", "8", "--namespace", "name=green")
	if err != nil {
		t.Fatal(err)
	}
	l := &o.server.Layer
	if l.MaxApps != 8 || l.MaxPairs != 5 || len(l.Namespaces) != 1 || l.Namespaces[0].Name != "green" {
		t.Errorf("%d applications, %d others, namespaces %v; want 8, 5 and green", l.MaxApps, l.MaxPairs, l.Namespaces)
	}
}
