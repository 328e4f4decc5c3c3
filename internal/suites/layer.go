package main

import (
	"path/filepath"
	"sync/atomic"

	"cutthrough/impl/layer"
	"cutthrough/impl/server"
	"cutthrough/impl/wire"
	"cutthrough/shm/oshost"
)

// counter is a core that counts the sessions that it has made.
type counter struct {
	server.Core
	sessions atomic.Int64
}

// Step implements [server.Core].
func (c *counter) Step(ev layer.Event) []layer.Effect {
	effects := c.Core.Step(ev)
	for _, e := range effects {
		if e.Kind == layer.EffectSend && e.Msg.Type == wire.ConnectReply && e.Msg.Status == wire.OK {
			c.sessions.Add(1)
		}
	}
	return effects
}

// A sessionLayer runs in this process.
type sessionLayer struct {
	*server.Server
	*counter
	addr  string
	ended chan error
}

// startLayer starts a session layer with its socket in dir.
func startLayer(dir string) (*sessionLayer, error) {
	h := oshost.New()
	l, err := h.Listen(filepath.Join(dir, "layer"))
	if err != nil {
		return nil, err
	}
	c := &counter{Core: layer.New(layer.Config{})}
	s := &sessionLayer{server.New(h, l, server.Config{Core: c}), c, l.Addr(), make(chan error, 1)}
	go func() { s.ended <- s.Run() }()
	return s, nil
}

// stop ends the session layer.
func (s *sessionLayer) stop() error {
	err := s.Close()
	if ran := <-s.ended; ran != nil {
		err = ran
	}
	return err
}
