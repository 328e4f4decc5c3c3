// Command simrun explores interleavings of the shared-memory protocol, replays
// and shrinks the ones that break it, guards the corpus of traces, and checks the
// models of the protocol. It is the command line of package sim/cli for the scenarios of
// package properties, with a few commands besides.
package main

import (
	"cutthrough/cmd/simrun/internal/campaign"
	"cutthrough/cmd/simrun/internal/demo"
	"cutthrough/cmd/simrun/internal/model"
	"cutthrough/cmd/simrun/internal/serve"
	"cutthrough/model/models"
	"cutthrough/properties"
	"cutthrough/sim/cli"
)

func main() { app().Main() }

func app() cli.App {
	return cli.App{
		Name:      "simrun",
		Short:     "Explore interleavings of shared-memory sessions, and replay those that break them",
		Example:   example,
		Scenarios: properties.All(),
		Traces:    "traces",
		Mutants:   "properties/mutants",
		Commands: []cli.Command{
			model.Command(models.All()), demo.Command(), serve.Command(), serve.StatCommand(), serve.HealthCommand(),
			campaign.Command(),
		},
	}
}

const example = `  simrun demo                          # a planted bug, found and explained in a minute
  simrun list                          # what can be explored
  simrun explore fifo-wakeup           # look for violations for ten seconds
  simrun replay traces/NAME.trace      # run one interleaving and draw it
  simrun check --mutants               # is the corpus green, and does it still bite?`
