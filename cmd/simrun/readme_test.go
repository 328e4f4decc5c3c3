package main

import (
	"errors"
	"io/fs"
	"os"
	osexec "os/exec"
	"strings"
	"testing"

	"cutthrough/sim/cli"

	"github.com/google/go-cmp/cmp"
)

// The commands of the README work.
func TestREADME(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	commands := readmeCommands(string(text))
	if len(commands) == 0 {
		t.Error("no command to try")
	}
	for _, c := range commands {
		t.Run(c, func(t *testing.T) {
			t.Parallel()
			cmd := osexec.Command("sh", "-c", c)
			cmd.Dir = "../.."
			out, err := cmd.CombinedOutput()
			// To find a violation may be what the reader is meant to see.
			if code := cmd.ProcessState.ExitCode(); code != cli.ExitHeld && code != cli.ExitViolated && code != cli.ExitLiveness {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// readmeCommands returns the lines of sh code blocks that run simrun, whatever way
// it was built.
func readmeCommands(text string) []string {
	var commands []string
	block := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "```") && block == "":
			block = line
		case strings.HasPrefix(line, "```"):
			block = ""
		case block == "```sh":
			for _, program := range []string{"go run ./cmd/simrun ", "out/simrun "} {
				if args, ok := strings.CutPrefix(line, program); ok {
					commands = append(commands, "simrun "+args)
				}
			}
		}
	}
	return commands
}

func TestREADMECommands(t *testing.T) {
	text := "go run ./cmd/simrun prose\n```sh\ngo run ./cmd/simrun list # why\ngo test ./...\n```\n```go\ngo run ./cmd/simrun no\n```\n```\ngo run ./cmd/simrun no\n```\n```sh\n  out/simrun demo\n```\n"
	want := []string{"simrun list # why", "simrun demo"}
	if diff := cmp.Diff(want, readmeCommands(text)); diff != "" {
		t.Error(diff)
	}
}
