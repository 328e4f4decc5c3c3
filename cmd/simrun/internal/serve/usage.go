package serve

import (
	"cmp"
	"slices"

	"cutthrough/impl/layer"
	"cutthrough/impl/server"
)

// picture is what the session layer answers to stat.
type picture struct {
	Layer layer.Stat `json:"layer"`
	Usage []used     `json:"limits"`
}

// used is how much of a limit is used.
type used struct {
	Setting     string `json:"setting" doc:"the limit, as serve calls it"`
	Used        uint64 `json:"used" doc:"how much is used"`
	Limit       uint64 `json:"limit" doc:"how much may be used"`
	Unit        string `json:"unit" doc:"of what"`
	Application string `json:"application,omitempty" doc:"for a limit of each application: the one that uses most"`
}

// limits are the limits whose use can be seen: a new one is one line.
var limits = []func(*layer.Stat, *server.Config) used{
	func(s *layer.Stat, c *server.Config) used {
		return used{"max-apps", uint64(len(s.Apps)), uint64(c.Layer.MaxApps), "applications", ""}
	},
	each("max-listeners", "listeners", func(c *server.Config) uint64 { return uint64(c.Layer.MaxListeners) }, func(a *layer.AppStat) uint64 { return uint64(a.Listeners) }),
	each("max-sessions", "sessions", func(c *server.Config) uint64 { return uint64(c.Layer.MaxSessions) }, func(a *layer.AppStat) uint64 { return uint64(a.Sessions) }),
	each("max-bytes", "bytes", func(c *server.Config) uint64 { return c.Layer.MaxBytes }, func(a *layer.AppStat) uint64 { return a.Bytes }),
	each("max-waiting", "messages", func(c *server.Config) uint64 { return uint64(c.Backlog) }, func(a *layer.AppStat) uint64 { return uint64(a.Backlog) }),
	func(s *layer.Stat, c *server.Config) used {
		return used{"address-end", s.Used, uint64(c.Layer.End - c.Layer.Base), "bytes of address space", ""}
	},
}

// each is a limit of each application: the one that uses most stands for all.
func each(setting, unit string, limit func(*server.Config) uint64, use func(*layer.AppStat) uint64) func(*layer.Stat, *server.Config) used {
	return func(s *layer.Stat, c *server.Config) used {
		u := used{Setting: setting, Limit: limit(c), Unit: unit}
		if len(s.Apps) > 0 {
			most := slices.MaxFunc(s.Apps, func(a, b layer.AppStat) int { return cmp.Compare(use(&a), use(&b)) })
			u.Used, u.Application = use(&most), most.Handle
		}
		return u
	}
}

// usage returns how much of each limit is used.
func usage(s *layer.Stat, c *server.Config) []used {
	all := make([]used, len(limits))
	for i, f := range limits {
		all[i] = f(s, c)
	}
	return all
}
