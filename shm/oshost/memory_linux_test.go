package oshost

import (
	"testing"
	"testing/fstest"
)

// TestMemoryBudget: the narrowest of machine and control groups decides, also one above that of the process.
func TestMemoryBudget(t *testing.T) {
	const mib = 1 << 20
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	meminfo := file("MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n")
	for name, test := range map[string]struct {
		files fstest.MapFS
		want  uint64
	}{
		"machine alone": {fstest.MapFS{}, 7 << 30},
		"no limit": {fstest.MapFS{
			"proc/self/cgroup":           file("0::/\n"),
			"sys/fs/cgroup/memory.max":   file("max\n"),
			"sys/fs/cgroup/cgroup.procs": file(""),
		}, 7 << 30},
		"container of 100 MiB": {fstest.MapFS{
			"proc/self/cgroup":             file("0::/\n"),
			"sys/fs/cgroup/memory.max":     file("104857600\n"),
			"sys/fs/cgroup/memory.current": file("20971520\n"),
			"sys/fs/cgroup/memory.stat":    file("anon 1\ninactive_file 10485760\n"),
		}, 45 * mib},
		"limit of the parent": {fstest.MapFS{
			"proc/self/cgroup":               file("0::/a/b\n"),
			"sys/fs/cgroup/a/b/memory.max":   file("max\n"),
			"sys/fs/cgroup/a/memory.max":     file("20971520\n"),
			"sys/fs/cgroup/a/memory.current": file("0\n"),
			"sys/fs/cgroup/a/memory.stat":    file("inactive_file 0\n"),
		}, 10 * mib},
		"version 1": {fstest.MapFS{
			"proc/self/cgroup": file("4:cpu:/x\n9:memory:/x\n"),
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes": file("41943040\n"),
			"sys/fs/cgroup/memory/x/memory.usage_in_bytes": file("20971520\n"),
			"sys/fs/cgroup/memory/x/memory.stat":           file("total_inactive_file 0\n"),
		}, 10 * mib},
		"full": {fstest.MapFS{
			"proc/self/cgroup":             file("0::/\n"),
			"sys/fs/cgroup/memory.max":     file("1048576\n"),
			"sys/fs/cgroup/memory.current": file("2097152\n"),
			"sys/fs/cgroup/memory.stat":    file("inactive_file 0\n"),
		}, 0},
	} {
		test.files["proc/meminfo"] = meminfo
		if got, err := memoryBudget(test.files); got != test.want || err != nil {
			t.Errorf("%s: %d, %v; want %d", name, got, err, test.want)
		}
	}
	if n, err := MemoryBudget(); n == 0 || err != nil {
		t.Errorf("here: %d, %v", n, err)
	}
	if _, err := memoryBudget(fstest.MapFS{}); err == nil {
		t.Error("a machine without memory has a budget")
	}
}
