package serve

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// The types of settings. Each implements [pflag.Value]: Set reads what a flag or a configuration file says, String
// writes it.

// count is a number of at least 1: for a limit, 0 would mean its default.
type count int

// Set implements [pflag.Value].
func (c *count) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return errors.New("want a whole number of at least 1")
	}
	*c = count(n)
	return nil
}

// String implements [pflag.Value].
func (c *count) String() string { return strconv.Itoa(int(*c)) }

// Type implements [pflag.Value].
func (c *count) Type() string { return "N" }

// nonzero refuses 0, which would mean the default.
type nonzero struct{ pflag.Value }

// Set implements [pflag.Value].
func (n nonzero) Set(text string) error {
	if strings.Trim(text, "0") == "" {
		return errors.New("want more than 0")
	}
	return n.Value.Set(text)
}

// period is a time of at least least.
type period struct {
	d     *time.Duration
	least time.Duration
}

// Set implements [pflag.Value].
func (p *period) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil {
		return errors.New("want a time such as 500ms, 10s or 5m")
	}
	if d < p.least {
		return fmt.Errorf("want a time of at least %v", p.least)
	}
	*p.d = d
	return nil
}

// String implements [pflag.Value].
func (p *period) String() string {
	if p.d == nil {
		return ""
	}
	return p.d.String()
}

// Type implements [pflag.Value].
func (p *period) Type() string { return "TIME" }

// mode is permission bits, in octal.
type mode fs.FileMode

// Set implements [pflag.Value].
func (m *mode) Set(text string) error {
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n > 0o777 || n&0o600 != 0o600 {
		return errors.New("want three octal digits that let the owner read and write, such as 600 or 660")
	}
	*m = mode(n)
	return nil
}

// String implements [pflag.Value].
func (m *mode) String() string { return fmt.Sprintf("%03o", uint32(*m)) }

// Type implements [pflag.Value].
func (m *mode) Type() string { return "MODE" }

// group is the number of a group of users; 0 means that of the process.
type group int

// Set implements [pflag.Value].
func (g *group) Set(text string) error {
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		*g = group(n)
		return nil
	}
	found, err := user.LookupGroup(text)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(found.Gid)
	*g = group(n)
	return err
}

// String implements [pflag.Value].
func (g *group) String() string { return strconv.Itoa(int(*g)) }

// Type implements [pflag.Value].
func (g *group) Type() string { return "GROUP" }

// level is the least level of a line of the log.
type level slog.Level

// Set implements [pflag.Value].
func (l *level) Set(text string) error {
	for _, known := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if text == strings.ToLower(known.String()) {
			*l = level(known)
			return nil
		}
	}
	return errors.New("want debug, info, warn or error")
}

// String implements [pflag.Value].
func (l *level) String() string { return strings.ToLower(slog.Level(*l).String()) }

// Type implements [pflag.Value].
func (l *level) Type() string { return "LEVEL" }

// format says whether the log is of JSON objects.
type format bool

// Set implements [pflag.Value].
func (f *format) Set(text string) error {
	if text != "text" && text != "json" {
		return errors.New("want text or json")
	}
	*f = text == "json"
	return nil
}

// String implements [pflag.Value].
func (f *format) String() string { return map[bool]string{false: "text", true: "json"}[bool(*f)] }

// Type implements [pflag.Value].
func (f *format) Type() string { return "FORMAT" }

// rate is how many there may be in a second.
type rate float64

// Set implements [pflag.Value].
func (r *rate) Set(text string) error {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || n < 0 {
		return errors.New("want a number of lines a second, such as 0.5")
	}
	*r = rate(n)
	return nil
}

// String implements [pflag.Value].
func (r *rate) String() string { return strconv.FormatFloat(float64(*r), 'g', -1, 64) }

// Type implements [pflag.Value].
func (r *rate) Type() string { return "N" }

// burst is a number of lines; 0 is no limit.
type burst int

// Set implements [pflag.Value].
func (b *burst) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return errors.New("want a number of lines")
	}
	*b = burst(n)
	return nil
}

// String implements [pflag.Value].
func (b *burst) String() string { return strconv.Itoa(int(*b)) }

// Type implements [pflag.Value].
func (b *burst) Type() string { return "N" }
