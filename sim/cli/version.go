package cli

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// versionResult says what was built from what.
type versionResult struct {
	Header
	name     string // of the program
	Version  string `json:"version" doc:"the version of the module, (devel) for a checkout"`
	Revision string `json:"revision,omitempty" doc:"the commit, if known"`
	Modified bool   `json:"modified" doc:"whether there were changes on top of it"`
	Go       string `json:"go" doc:"the Go release"`
	Platform string `json:"platform" doc:"operating system and processor"`
}

func (a *Invocation) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Say which version this is",
		Example: "  " + a.app.Name + " version --json",
		Args:    Arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := version(a.app.Name)
			return a.Perform(cmd, args, r, func(context.Context) error { return nil })
		},
	}
}

func version(name string) *versionResult {
	r := &versionResult{name: name, Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return r
	}
	if info.Main.Version != "" {
		r.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			r.Revision = s.Value
		case "vcs.modified":
			r.Modified = s.Value == "true"
		}
	}
	return r
}

// String returns the version on one line.
func (r *versionResult) String() string {
	line := r.name + " " + r.Version
	if r.Revision != "" {
		line += " " + r.Revision
	}
	if r.Modified {
		line += " modified"
	}
	return line + " " + r.Go + " " + r.Platform
}

func (r *versionResult) Print(p *Printer) { p.Linef("%s", r) }
