package serve

import (
	"cmp"
	"slices"
	"strconv"

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
	Setting string `json:"setting" doc:"the limit, as serve calls it"`
	Used    uint64 `json:"used" doc:"how much is used"`
	Limit   uint64 `json:"limit" doc:"how much may be used"`
	Unit    string `json:"unit" doc:"of what"`
	Whose   string `json:"whose,omitempty" doc:"for a limit of each user, application or pair of applications: the one that uses most"`
}

// limits are the limits whose use can be seen: a new one is one line.
var limits = []func(*layer.Stat, *server.Config) used{
	total("max-apps", "applications", func(s *layer.Stat) int { return len(s.Apps) }, func(c *server.Config) int { return c.Layer.MaxApps }),
	total("max-total-sessions", "sessions", func(s *layer.Stat) int { return len(s.Sessions) }, func(c *server.Config) int { return c.Layer.MaxTotalSessions }),
	total("max-total-bytes", "bytes", func(s *layer.Stat) uint64 { return s.Bytes }, func(c *server.Config) uint64 { return c.Layer.MaxTotalBytes }),
	total("max-unattached", "connections", unattached, func(c *server.Config) int { return c.MaxUnattached }),
	total("address-end", "bytes of address space", func(s *layer.Stat) uint64 { return s.Used }, func(c *server.Config) uint64 { return uint64(c.Layer.End - c.Layer.Base) }),

	ofUser("max-user-apps", "applications", func(u *layer.UserStat) int { return u.Apps }, func(c *server.Config) int { return c.Layer.MaxUserApps }),
	ofUser("max-user-listeners", "listeners", func(u *layer.UserStat) int { return u.Listeners }, func(c *server.Config) int { return c.Layer.MaxUserListeners }),
	ofUser("max-user-sessions", "sessions", func(u *layer.UserStat) int { return u.Sessions }, func(c *server.Config) int { return c.Layer.MaxUserSessions }),
	ofUser("max-user-bytes", "bytes", func(u *layer.UserStat) uint64 { return u.Bytes }, func(c *server.Config) uint64 { return c.Layer.MaxUserBytes }),
	ofUser("max-user-unattached", "connections", func(u *layer.UserStat) int { return u.Unattached }, func(c *server.Config) int { return c.MaxUserUnattached }),

	ofApp("max-listeners", "listeners", func(a *layer.AppStat) int { return a.Listeners }, func(c *server.Config) int { return c.Layer.MaxListeners }),
	ofApp("max-pairs", "others", func(a *layer.AppStat) int { return a.Pairs }, func(c *server.Config) int { return c.Layer.MaxPairs }),
	ofApp("max-sessions", "sessions in one role", func(a *layer.AppStat) int { return max(a.Dialled, a.Accepted) }, func(c *server.Config) int { return c.Layer.MaxSessions }),
	ofApp("max-bytes", "bytes", func(a *layer.AppStat) uint64 { return a.Bytes }, func(c *server.Config) uint64 { return c.Layer.MaxBytes }),
	ofApp("max-waiting", "messages", func(a *layer.AppStat) int { return a.Backlog }, func(c *server.Config) int { return c.Backlog }),

	ofPair("max-pair-sessions", "sessions", func(p *layer.PairStat) int { return p.Sessions }, func(c *server.Config) int { return c.Layer.MaxPairSessions }),
	ofPair("max-pair-bytes", "bytes", func(p *layer.PairStat) uint64 { return p.Bytes }, func(c *server.Config) uint64 { return c.Layer.MaxPairBytes }),
}

// number is what limits and uses are; none is negative.
type number interface{ int | uint64 }

// total is a limit of the session layer.
func total[N number](setting, unit string, use func(*layer.Stat) N, limit func(*server.Config) N) func(*layer.Stat, *server.Config) used {
	return func(s *layer.Stat, c *server.Config) used {
		return used{Setting: setting, Used: uint64(use(s)), Limit: uint64(limit(c)), Unit: unit}
	}
}

// each is a limit of each of many: the one that uses most stands for all.
func each[T any, N number](setting, unit string, all func(*layer.Stat) []T, name func(*T) string, use func(*T) N, limit func(*server.Config) N) func(*layer.Stat, *server.Config) used {
	return func(s *layer.Stat, c *server.Config) used {
		u := used{Setting: setting, Limit: uint64(limit(c)), Unit: unit}
		if many := all(s); len(many) > 0 {
			most := slices.MaxFunc(many, func(a, b T) int { return cmp.Compare(use(&a), use(&b)) })
			u.Used, u.Whose = uint64(use(&most)), name(&most)
		}
		return u
	}
}

func ofUser[N number](setting, unit string, use func(*layer.UserStat) N, limit func(*server.Config) N) func(*layer.Stat, *server.Config) used {
	return each(setting, unit, func(s *layer.Stat) []layer.UserStat { return s.Users },
		func(u *layer.UserStat) string { return "user " + strconv.FormatUint(uint64(u.UID), 10) }, use, limit)
}

func ofApp[N number](setting, unit string, use func(*layer.AppStat) N, limit func(*server.Config) N) func(*layer.Stat, *server.Config) used {
	return each(setting, unit, func(s *layer.Stat) []layer.AppStat { return s.Apps },
		func(a *layer.AppStat) string { return a.Handle }, use, limit)
}

func ofPair[N number](setting, unit string, use func(*layer.PairStat) N, limit func(*server.Config) N) func(*layer.Stat, *server.Config) used {
	return each(setting, unit, func(s *layer.Stat) []layer.PairStat { return s.Pairs },
		func(p *layer.PairStat) string { return p.Client + " -> " + p.Server }, use, limit)
}

// unattached returns how many channels have no application.
func unattached(s *layer.Stat) int {
	n := 0
	for i := range s.Users {
		n += s.Users[i].Unattached
	}
	return n
}

// usage returns how much of each limit is used.
func usage(s *layer.Stat, c *server.Config) []used {
	all := make([]used, len(limits))
	for i, f := range limits {
		all[i] = f(s, c)
	}
	return all
}
