package serve

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/unit"
	"github.com/spf13/cobra"
)

const samples = "../../../../docs/systemd/"

// sample returns the options of a sample unit file, by section and name.
func sample(t *testing.T, name string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(samples, name))
	if err != nil {
		t.Fatal(err)
	}
	options, err := unit.DeserializeOptions(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, o := range options {
		all[o.Section+" "+o.Name] = append(all[o.Section+" "+o.Name], o.Value)
	}
	return all
}

// The sample service starts simrun serve with flags and a configuration file that it takes, and gives it the time that it may
// take to stop.
func TestSampleService(t *testing.T) {
	service := sample(t, "cutthrough.service")
	if got := service["Service Type"]; len(got) != 1 || got[0] != "notify" {
		t.Errorf("type %q", got)
	}
	words := strings.Fields(strings.Join(service["Service ExecStart"], " "))
	if len(words) < 2 || filepath.Base(words[0]) != "simrun" || words[1] != "serve" {
		t.Fatalf("command %q", words)
	}
	o, cmd := defaultOptions(), &cobra.Command{}
	o.flags(cmd)
	if err := cmd.ParseFlags(words[2:]); err != nil {
		t.Fatal(err)
	}
	o.config = filepath.Join(samples, filepath.Base(o.config))
	if err := o.load(cmd.Flags()); err != nil {
		t.Fatal(err)
	}
	if o.server.Layer.MaxApps != 256 || !bool(o.log.JSON) {
		t.Error("the sample configuration was not read")
	}
	stop, err := strconv.Atoi(strings.Join(service["Service TimeoutStopSec"], ""))
	if limit := time.Duration(stop) * time.Second; err != nil || limit < o.drain+closePatience {
		t.Errorf("%v to stop, but serve may take %v", limit, o.drain+closePatience)
	}
}

// The sample sockets are of the types and names by which serve knows what they are for.
func TestSampleSockets(t *testing.T) {
	sockets := sample(t, "cutthrough.socket")
	channel, stat := sockets["Socket ListenSequentialPacket"], sockets["Socket ListenStream"]
	if len(channel) != 1 || len(stat) != 1 || stat[0] != channel[0]+statSuffix || len(sockets["Socket FileDescriptorName"]) > 0 {
		t.Errorf("sockets %v", sockets)
	}
	metrics := sample(t, "cutthrough-metrics.socket")
	if name := metrics["Socket FileDescriptorName"]; len(name) != 1 || name[0] != metricsName || metrics["Socket Service"][0] != "cutthrough.service" {
		t.Errorf("sockets %v", metrics)
	}
}

// Every setting has its default, a usage text, and a value that its own Set takes back.
func TestSettings(t *testing.T) {
	o, cmd := defaultOptions(), &cobra.Command{}
	o.flags(cmd)
	if err := o.load(cmd.Flags()); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
	for _, name := range names(cmd.Flags()) {
		f := cmd.Flags().Lookup(name)
		if f.Usage == "" {
			t.Errorf("%s has no usage", name)
		}
		if f.DefValue == "" || name == "socket-group" {
			continue
		}
		if err := f.Value.Set(f.DefValue); err != nil || f.Value.String() != f.DefValue {
			t.Errorf("%s: the default %q became %q, %v", name, f.DefValue, f.Value, err)
		}
	}
}
