package campaign

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"cutthrough/impl/layer"
)

// holdings counts what a process has: open descriptors by kind, mapped segments, goroutines, and, of a session layer,
// what it has for its applications.
type holdings map[string]int

// holdingsOf returns what the system knows of a process.
func holdingsOf(pid int) (holdings, error) {
	proc := fmt.Sprintf("/proc/%d/", pid)
	open, err := os.ReadDir(proc + "fd")
	if err != nil {
		return nil, err
	}
	h := holdings{}
	for _, fd := range open {
		target, err := os.Readlink(proc + "fd/" + fd.Name())
		if err != nil {
			continue // closed since
		}
		kind, _, _ := strings.Cut(target, ":") // socket:[123], /memfd:name
		h["open "+kind]++
	}
	mapped, err := os.ReadFile(proc + "maps")
	if err != nil {
		return nil, err
	}
	h["mapped segments"] = bytes.Count(mapped, []byte("memfd:"))
	return h, nil
}

// threadsOf returns how many threads a process has. Go ends none, so they are a peak, and no leak.
func threadsOf(pid int) int {
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid)) // none: the process is gone
	return len(tasks)
}

// exceed says what of h there is more of than in base, or "".
func (h holdings) exceed(base holdings) string {
	var more []string
	for _, kind := range slices.Sorted(maps.Keys(h)) {
		if n := h[kind]; n > base[kind] {
			more = append(more, fmt.Sprintf("%s %d, was %d", kind, n, base[kind]))
		}
	}
	return strings.Join(more, "; ")
}

// addLayer adds to h what a session layer says of itself.
func (h holdings) addLayer(socket string) error {
	st, err := askStat(socket + ".stat")
	if err != nil {
		return err
	}
	h["applications"], h["listeners"] = len(st.Apps), len(st.Listeners)
	h["sessions"], h["segments"], h["pairs"] = len(st.Sessions), len(st.Segments), len(st.Pairs)
	h["goroutines"], err = askGoroutines(socket + ".metrics")
	return err
}

// askStat asks a session layer what it has.
func askStat(addr string) (layer.Stat, error) {
	var picture struct{ Layer layer.Stat }
	c, err := net.DialTimeout("unix", addr, patience)
	if err != nil {
		return picture.Layer, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if err := json.NewDecoder(c).Decode(&picture); err != nil {
		return picture.Layer, fmt.Errorf("stat: %w", err)
	}
	return picture.Layer, nil
}

// askGoroutines asks a session layer how many goroutines it has.
func askGoroutines(addr string) (int, error) {
	client := http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", addr)
		},
	}}
	answer, err := client.Get("http://metrics/")
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if n, found := strings.CutPrefix(line, "go_goroutines "); found {
			return strconv.Atoi(strings.TrimSpace(n))
		}
	}
	return 0, fmt.Errorf("metrics without goroutines: %.80q", text)
}
