// Command mailbox explores the mailbox.
package main

import (
	"cutthrough/sim/cli"
	"example.org/mailbox"
)

func main() { cli.Main(mailbox.Scenario()) }
