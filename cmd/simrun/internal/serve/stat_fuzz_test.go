package serve

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"cutthrough/impl/layer"
	"cutthrough/sim/cli"
)

// FuzzStat lets a session layer answer stat with any bytes: the command shows a picture, or says what is wrong.
func FuzzStat(f *testing.F) {
	whole, err := json.Marshal(picture{Layer: layer.Stat{
		Apps: []layer.AppStat{{Handle: "app 1.1"}}, Listeners: []layer.ListenerStat{{Handle: "listener 1.1"}},
		Sessions: []layer.SessionStat{{}}, Segments: []layer.SegmentStat{{Size: 1 << 63, Mapped: []string{"x"}}}, Users: []layer.UserStat{{UID: 1}},
	}, Usage: []used{{Setting: "max-apps", Used: 1 << 63, Limit: 1}}})
	if err != nil {
		f.Fatal(err)
	}
	for _, answer := range [][]byte{whole, whole[:len(whole)/2], nil, []byte("{}"), []byte("null"), []byte(`{"layer":7}`), []byte("\x1b[2J")} {
		f.Add(answer)
	}
	socket := filepath.Join(f.TempDir(), "layer")
	l, err := net.Listen("unix", socket+statSuffix)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = l.Close() })
	sink, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = sink.Close() })
	f.Fuzz(func(t *testing.T, answer []byte) {
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write(answer) // the client may have had enough
			_ = c.Close()
		}()
		app := cli.App{Name: "simrun", Commands: []cli.Command{StatCommand()}}
		if code := app.Run(sink, sink, []string{"simrun", "stat", "--socket", socket, "--timeout", "10s"}); !slices.Contains([]int{cli.ExitHeld, cli.ExitUsage}, code) {
			t.Errorf("exit code %d", code)
		}
	})
}
