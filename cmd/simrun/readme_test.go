package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	osexec "os/exec"
	"slices"
	"strings"
	"testing"

	"cutthrough/sim/cli"

	"github.com/google/go-cmp/cmp"
)

// The commands of the README work, and print what it shows of them.
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
	outputs := readmeOutputs(string(text))
	for c := range outputs {
		if !slices.Contains(commands, c) {
			t.Errorf("the README shows what %q prints, and does not tell the reader to run it", c)
		}
	}
	for _, c := range commands {
		t.Run(c, func(t *testing.T) {
			t.Parallel()
			cmd := osexec.Command("sh", "-c", c)
			cmd.Dir = "../.."
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			// To find a violation may be what the reader is meant to see.
			if code := cmd.ProcessState.ExitCode(); code != cli.ExitHeld && code != cli.ExitViolated && code != cli.ExitLiveness {
				t.Errorf("%v\n%s%s", err, out, &stderr)
			}
			if want, shown := outputs[c]; shown {
				if diff := cmp.Diff(want, string(out)); diff != "" {
					t.Errorf("(-README +printed)\n%s", diff)
				}
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

// readmeOutputs returns the blocks that follow a comment "<!-- output: COMMAND -->", by the command as readmeCommands
// returns it. The program calls itself by the name that it was run under.
func readmeOutputs(text string) map[string]string {
	outputs := make(map[string]string)
	for _, part := range strings.Split(text, "<!-- output: go run ./cmd/simrun ")[1:] {
		args, rest, _ := strings.Cut(part, " -->\n```\n")
		block, _, _ := strings.Cut(rest, "```\n")
		outputs["simrun "+args] = strings.ReplaceAll(block, "go run ./cmd/simrun ", "simrun ")
	}
	return outputs
}

func TestREADMEOutputs(t *testing.T) {
	text := "prose\n<!-- output: go run ./cmd/simrun list -v -->\n```\na\ngo run ./cmd/simrun list\n```\nprose\n```sh\nb\n```\n"
	want := map[string]string{"simrun list -v": "a\nsimrun list\n"}
	if diff := cmp.Diff(want, readmeOutputs(text)); diff != "" {
		t.Error(diff)
	}
}

func TestREADMECommands(t *testing.T) {
	text := "go run ./cmd/simrun prose\n```sh\ngo run ./cmd/simrun list # why\ngo test ./...\n```\n```go\ngo run ./cmd/simrun no\n```\n```\ngo run ./cmd/simrun no\n```\n```sh\n  out/simrun demo\n```\n"
	want := []string{"simrun list # why", "simrun demo"}
	if diff := cmp.Diff(want, readmeCommands(text)); diff != "" {
		t.Error(diff)
	}
}
