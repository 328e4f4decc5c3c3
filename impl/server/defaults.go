package server

import (
	"cmp"

	"cutthrough/impl/layer"
)

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
