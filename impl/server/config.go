package server

import (
	"cmp"
	"log/slog"
	"time"

	"cutthrough/impl/layer"
)

// Core is the state machine that a [Server] drives: a [layer.Core], or a decorator that watches one. The server
// calls it under its lock.
type Core interface {
	// Step: see [layer.Core.Step].
	Step(layer.Event) []layer.Effect
	// Deadline: see [layer.Core.Deadline].
	Deadline() (time.Duration, bool)
	// Attached: see [layer.Core.Attached].
	Attached(layer.Channel) bool
	// BacklogCredit: see [layer.Core.BacklogCredit].
	BacklogCredit(layer.Channel) int
	// Stat: see [layer.Core.Stat].
	Stat() layer.Stat
}

// Config is the configuration of a [Server].
type Config struct {
	Layer   layer.Config
	Core    Core // to drive; nil: a new [layer.Core] with Layer
	Backlog int  // messages that wait for one application, besides 4 for each of its sessions; default 256
	// MaxUnattached bounds the channels of which no application has attached, MaxUserUnattached those of one
	// user; default 256 and three quarters of it. One more, and the oldest goes of the process that has the most.
	MaxUnattached     int
	MaxUserUnattached int
	// Policy decides which applications may attach; nil: those of the server's own user and of root. An abstract
	// address needs one.
	Policy Policy
	Log    *slog.Logger // nil: silent
}

// Defaults of a [Config].
const (
	defaultBacklog       = 256
	defaultMaxUnattached = 256
)

// Defaults returns the configuration that the zero Config stands for, but for the core and for the fields whose default
// follows from others: these are 0. [Config.Resolved] fills them in.
func Defaults() Config { return Config{Layer: layer.Defaults()}.withBase() }

// Resolved returns c with the defaults of all zero fields but Core, Policy and Log, which is what [New] works with.
func (c Config) Resolved() Config {
	c = c.withBase()
	c.Layer = c.Layer.Resolved()
	c.MaxUserUnattached = cmp.Or(c.MaxUserUnattached, c.MaxUnattached-c.MaxUnattached/4)
	return c
}

// withBase returns c with the defaults of the server that depend on no other field.
func (c Config) withBase() Config {
	c.Backlog = cmp.Or(c.Backlog, defaultBacklog)
	c.MaxUnattached = cmp.Or(c.MaxUnattached, defaultMaxUnattached)
	return c
}
