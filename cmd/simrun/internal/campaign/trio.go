package campaign

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"cutthrough/cmd/simrun/internal/campaign/agent"
)

// settle is how long what a process releases in the background may take.
const settle = 10 * time.Second

// trio is a session layer, a server that echoes at uri and a client, in a process each.
type trio struct {
	crew                  *crew
	dir, socket           string
	layer, server, client *process
	idle                  map[string]holdings // of each, without sessions
	threads               map[string]int      // the most that each had
}

// newTrio starts a trio. The session layer has the settings that are given, as flags of serve.
func newTrio(c *crew, settings ...string) (*trio, error) {
	dir, err := os.MkdirTemp("", "campaign")
	if err != nil {
		return nil, err
	}
	t := &trio{crew: c, dir: dir, socket: filepath.Join(dir, "layer"), idle: map[string]holdings{}, threads: map[string]int{}}
	err = errors.Join(t.startLayer(settings...), t.startServer(), t.startClient())
	for _, name := range names {
		if err == nil {
			t.idle[name], err = t.holdings(name)
		}
	}
	if err != nil {
		t.end()
		return nil, err
	}
	return t, nil
}

var names = []string{"layer", "server", "client"}

func (t *trio) process(name string) *process {
	return map[string]*process{"layer": t.layer, "server": t.server, "client": t.client}[name]
}

// end ends all processes and removes the directory.
func (t *trio) end() {
	t.crew.end()
	_ = os.RemoveAll(t.dir)
}

// startLayer starts a session layer, and returns when it answers.
func (t *trio) startLayer(settings ...string) (err error) {
	args := append([]string{"serve", "--socket", t.socket, "--metrics-socket", t.socket + ".metrics"}, settings...)
	if t.layer, err = t.crew.run("layer", args...); err != nil {
		return err
	}
	return t.crew.eventually(patience, func() error {
		if err := t.layer.died(); err != nil {
			return err
		}
		_, err := askGoroutines(t.socket + ".metrics")
		return err
	})
}

// startServer starts a server, and returns when it listens.
func (t *trio) startServer() (err error) {
	if t.layer == nil || t.layer.died() != nil {
		return errors.New("no session layer")
	}
	if t.server, err = t.crew.agent("server", nil); err != nil {
		return err
	}
	return t.attachServer()
}

func (t *trio) attachServer() error {
	_, err := call[agent.None](t.server, "Serve", agent.ServeCall{Socket: t.socket, URI: agent.URI})
	return err
}

func (t *trio) startClient() (err error) {
	if t.layer == nil || t.layer.died() != nil {
		return errors.New("no session layer")
	}
	if t.client, err = t.crew.agent("client", nil); err != nil {
		return err
	}
	return t.attachClient()
}

func (t *trio) attachClient() error {
	_, err := call[agent.None](t.client, "Attach", t.socket)
	return err
}

// replace puts a process in the place of one that was killed. The applications of a session layer that was killed attach
// again by themselves.
func (t *trio) replace(name string, settings ...string) error {
	switch name {
	case "client":
		return t.startClient()
	case "server":
		return t.startServer()
	}
	err := t.startLayer(settings...)
	if err == nil {
		_, err = call[agent.None](t.client, "Redial", agent.None{})
	}
	return err
}

// holdings returns what one of the processes has.
func (t *trio) holdings(name string) (holdings, error) {
	p := t.process(name)
	h, err := holdingsOf(p.cmd.Process.Pid)
	if err != nil {
		return nil, errors.Join(err, p.died())
	}
	t.threads[name] = max(t.threads[name], threadsOf(p.cmd.Process.Pid))
	if name == "layer" {
		err = h.addLayer(t.socket)
	} else {
		h["goroutines"], err = call[int](p, "Goroutines", agent.None{})
	}
	return h, err
}

// leaks returns an error if one of the processes keeps what it did not have without sessions.
func (t *trio) leaks() error {
	var all []error
	for _, name := range names {
		all = append(all, t.crew.eventually(settle, func() error {
			h, err := t.holdings(name)
			if err != nil {
				return err
			}
			if more := h.exceed(t.idle[name]); more != "" {
				return fmt.Errorf("the %s keeps: %s", name, more)
			}
			return nil
		}))
	}
	return errors.Join(all...)
}
