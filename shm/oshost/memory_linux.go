package oshost

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// memoryReserve is what [MemoryBudget] leaves to others at most, in bytes.
const memoryReserve = 1 << 30

// MemoryBudget returns how many bytes of segments this process can create without that the kernel has
// to kill one for memory: what is available on the machine and in the control groups of the process
// now, less a reserve of 1 GiB or of half of it. Segments are memory of the process that creates them,
// and the kernel reserves it at once.
func MemoryBudget() (uint64, error) { return memoryBudget(os.DirFS("/")) }

func memoryBudget(root fs.FS) (uint64, error) {
	available, err := field(root, "proc/meminfo", "MemAvailable:")
	if err != nil {
		return 0, fmt.Errorf("oshost: memory budget: %w", err)
	}
	available *= 1 << 10
	for _, g := range memoryGroups(root) {
		free, err := g.free(root)
		if errors.Is(err, fs.ErrNotExist) {
			continue // of the root group, or hidden from a container
		}
		if err != nil {
			return 0, fmt.Errorf("oshost: memory budget: %w", err)
		}
		available = min(available, free)
	}
	return available - min(available/2, memoryReserve), nil
}

// memoryGroup is a control group that may limit memory, and the names of its files.
type memoryGroup struct{ dir, limit, usage, cache string }

// memoryGroups returns the control groups of this process with all their parents, of both versions.
func memoryGroups(root fs.FS) []memoryGroup {
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return nil // without control groups
	}
	var groups []memoryGroup
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		g := memoryGroup{"sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"}
		switch {
		case parts[1] == "memory":
			g = memoryGroup{"sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"}
		case parts[1] != "":
			continue
		}
		for at := path.Clean("/" + parts[2]); ; at = path.Dir(at) {
			up := g
			up.dir = path.Join(g.dir, at)
			groups = append(groups, up)
			if at == "/" {
				break
			}
		}
	}
	return groups
}

// free returns how many bytes the group may still use. Pages of files that are not in use count as free.
func (g memoryGroup) free(root fs.FS) (uint64, error) {
	text, err := fs.ReadFile(root, path.Join(g.dir, g.limit))
	if err != nil {
		return 0, err
	}
	if string(bytes.TrimSpace(text)) == "max" {
		return 1 << 62, nil
	}
	limit, err := strconv.ParseUint(string(bytes.TrimSpace(text)), 10, 64)
	if err != nil {
		return 0, err
	}
	text, err = fs.ReadFile(root, path.Join(g.dir, g.usage))
	if err != nil {
		return 0, err
	}
	usage, err := strconv.ParseUint(string(bytes.TrimSpace(text)), 10, 64)
	if err != nil {
		return 0, err
	}
	cache, err := field(root, path.Join(g.dir, "memory.stat"), g.cache)
	if err != nil {
		return 0, err
	}
	usage -= min(usage, cache)
	return limit - min(limit, usage), nil
}

// field returns the number behind a name in a file with one name and number to a line.
func field(root fs.FS, file, name string) (uint64, error) {
	text, err := fs.ReadFile(root, file)
	if err != nil {
		return 0, err
	}
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		if f := strings.Fields(s.Text()); len(f) >= 2 && f[0] == name {
			return strconv.ParseUint(f[1], 10, 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", file, name)
}
