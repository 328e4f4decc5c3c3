// Package campaign is the commands that kill, stop and attack real processes: a session layer (simrun serve), a server and a
// client, each a process of its own. They say what became of the honest ones, in figures.
package campaign

import (
	"cutthrough/cmd/simrun/internal/campaign/agent"
	"cutthrough/sim/cli"

	"github.com/spf13/cobra"
)

// Command returns the command campaign.
func Command() cli.Command {
	return cli.Command{New: command, Documents: []cli.Document{
		{Name: "campaign kills", Object: killsResult{}}, {Name: "campaign stops", Object: stopsResult{}}, {Name: "campaign attack", Object: attackResult{}},
	}}
}

func command(a *cli.Invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "campaign",
		Short: "Kill, stop and attack real processes, and see how the others fare",
		Long: `A campaign starts a session layer (simrun serve), a server and a client, each a process of its own, and does harm to them
for as long as you like. Everything happens on this machine, over unix sockets, shared memory and loopback, in a temporary
directory, and all processes end with the campaign, also when it is interrupted.

The exit code is 1 if something went wrong. SIGINT ends a campaign with what is known so far.`,
		Example: `  simrun campaign kills --rounds 10000     # SIGKILL to each of them in turn
  simrun campaign stops --rounds 1000      # SIGSTOP, and SIGCONT later
  simrun campaign attack                   # every attack for a minute
  simrun campaign attack storm --time 10s  # one of them
  simrun campaign attack --list            # which there are`,
		Args: cli.Arguments(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(killsCommand(a), stopsCommand(a), attackCommand(a), &cobra.Command{
		Use: agentCommand, Hidden: true, Args: cli.Arguments(0, 0, ""), RunE: func(*cobra.Command, []string) error { return agent.Serve() },
	})
	return cmd
}
