package session

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cutthrough/shm/oshost"
	"cutthrough/sim"
	"cutthrough/sim/explore"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "write what the scripts of ../../impl/testdata/scripts print into them")

// TestScripts plays the conversations of ../../impl/testdata/scripts with a real session layer and
// applications that say what the script says, message by message. What they hear must be what the script
// records, on the real host, on the simulated one, and whatever its scheduler does.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("../../impl/testdata/scripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s, err := parseScript(string(text))
			if err != nil {
				t.Fatalf("%s:%v", file, err)
			}
			real, err := s.playReal(t)
			if err != nil {
				t.Fatalf("%s:%v", file, err)
			}
			if *rewrite {
				if err := os.WriteFile(file, []byte(s.format(real)), 0o666); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(string(text), s.format(real)); diff != "" {
				t.Errorf("%s, -script +real host (-rewrite accepts it):\n%s", file, diff)
			}
			random := explore.NewRandom(1)
			for i, ch := range []sim.Chooser{&explore.ByteChooser{}, random.Next(), random.Next()} {
				simulated, err := s.playSim(ch)
				if err != nil {
					t.Errorf("%s:%v (simulated, schedule %d)", file, err, i)
				}
				if diff := cmp.Diff(real, simulated); diff != "" {
					t.Errorf("%s, -real +simulated host, schedule %d:\n%s", file, i, diff)
				}
			}
		})
	}
}

// TestScriptErrors: a script that is wrong says where.
func TestScriptErrors(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"attach s\n", "1: commands without ----"},
		{"attach s\n----\nattach c\n----\n", "3: commands in the output"},
		{"lunch s\n----\n", `1: lunch s: no such command`},
		{"detach s\n----\n", `1: detach s: no application "s"`},
		{"attach s\nunbind s listener\n----\n", `2: unbind s listener: want a handle such as session 0.1`},
		{"attach s colour=red\n----\n", `1: attach s colour=red: no option "colour"`},
		{"attach s\naccept s session 0.1 extra\n----\n", `2: accept s session 0.1 extra: what is "extra"?`},
		{"attach s\nlayer fifo=1\n----\n", `2: layer fifo=1: the session layer is running`},
	} {
		s, err := parseScript(tt.text)
		if err == nil {
			_, err = s.playSim(&explore.ByteChooser{})
		}
		if err == nil || err.Error() != tt.want {
			t.Errorf("%q: %v, want %s", tt.text, err, tt.want)
		}
	}
}

// script is a conversation: prose, and blocks of commands with what came of them.
type script struct {
	parts []part
}

// part is a block, or prose: comments and empty lines.
type part struct {
	line     int
	prose    string
	commands []string
}

const endOfCommands = "----"

// parseScript splits text. A block is lines of commands, a line ----, and output up to an empty
// line; a line that starts with # is prose.
func parseScript(text string) (*script, error) {
	s := &script{}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := 0; i < len(lines); {
		p := part{line: i + 1}
		if lines[i] == "" || strings.HasPrefix(lines[i], "#") {
			p.prose = lines[i]
			s.parts = append(s.parts, p)
			i++
			continue
		}
		for ; i < len(lines) && lines[i] != endOfCommands; i++ {
			if lines[i] == "" {
				break
			}
			p.commands = append(p.commands, lines[i])
		}
		if i == len(lines) || lines[i] != endOfCommands {
			return nil, fmt.Errorf("%d: commands without %s", p.line, endOfCommands)
		}
		for i++; i < len(lines) && lines[i] != ""; i++ {
			if lines[i] == endOfCommands {
				return nil, fmt.Errorf("%d: commands in the output", i)
			}
		}
		s.parts = append(s.parts, p)
	}
	return s, nil
}

// format returns the script with the given outputs of its blocks.
func (s *script) format(outputs []string) string {
	var b strings.Builder
	for _, p := range s.parts {
		if p.commands == nil {
			b.WriteString(p.prose + "\n")
			continue
		}
		b.WriteString(strings.Join(p.commands, "\n") + "\n" + endOfCommands + "\n" + outputs[0])
		outputs = outputs[1:]
	}
	return b.String()
}

// play lets st do what the script says and returns the output of each block. An error
// names the line.
func (s *script) play(st *stage) (outputs []string, err error) {
	last := 0
	for _, p := range s.parts {
		for i, c := range p.commands {
			last = p.line + i
			if err := st.do(c); err != nil {
				return outputs, fmt.Errorf("%d: %s: %w", last, c, err)
			}
		}
		if p.commands != nil {
			outputs = append(outputs, st.output())
		}
	}
	if err := st.end(); err != nil {
		return outputs, fmt.Errorf("%d: end: %w", last, err)
	}
	return outputs, nil
}

// playReal plays the script with real memory and sockets.
func (s *script) playReal(t *testing.T) ([]string, error) {
	return s.play(newStage(oshost.New(), oshost.New(), filepath.Join(t.TempDir(), "layer")))
}

// playSim plays the script on a simulated host, in the schedule of ch.
func (s *script) playSim(ch sim.Chooser) (outputs []string, err error) {
	r := sim.NewRunner()
	defer r.Close()
	cfg := sim.Config{Races: true, Leaks: true, MaxTasks: 64, MaxSteps: 1_000_000}
	o := r.Run(cfg, ch, func(w *sim.World) {
		layer, apps := w.Process("layer").Service(), w.Process("applications")
		apps.Go("script", func() { outputs, err = s.play(newStage(layer, apps, layerAddr)) })
	})
	if o.Failure != nil && err == nil {
		err = fmt.Errorf("%v", o.Failure)
	}
	return outputs, err
}
