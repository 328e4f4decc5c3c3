package server

import "cutthrough/impl/layer"

// Defaults returns the configuration that the zero Config stands for, but for the core.
func Defaults() Config {
	return Config{Layer: layer.Defaults(), Backlog: defaultBacklog, MaxUnattached: defaultMaxUnattached}
}
