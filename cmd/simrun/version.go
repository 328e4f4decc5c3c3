package main

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// versionResult says what was built from what.
type versionResult struct {
	header
	Version  string `json:"version" doc:"the version of the module, (devel) for a checkout"`
	Revision string `json:"revision,omitempty" doc:"the commit, if known"`
	Modified bool   `json:"modified" doc:"whether there were changes on top of it"`
	Go       string `json:"go" doc:"the Go release"`
	Platform string `json:"platform" doc:"operating system and processor"`
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Say which version this is",
		Example: "  simrun version --json",
		Args:    arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := version()
			return a.perform(cmd, args, r, func(context.Context) error { return nil })
		},
	}
}

func version() *versionResult {
	r := &versionResult{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
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

func (r *versionResult) code() int { return exitHeld }

func (r *versionResult) complete(*app) error { return nil }

// String returns the version on one line.
func (r *versionResult) String() string {
	line := "simrun " + r.Version
	if r.Revision != "" {
		line += " " + r.Revision
	}
	if r.Modified {
		line += " modified"
	}
	return line + " " + r.Go + " " + r.Platform
}

func (r *versionResult) print(p *printer) { p.linef("%s", r) }
