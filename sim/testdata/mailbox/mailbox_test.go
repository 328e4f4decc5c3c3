package mailbox_test

import (
	"testing"

	"cutthrough/sim/simtest"
	"example.org/mailbox"
)

func TestMailbox(t *testing.T) { simtest.Check(t, mailbox.Scenario()) }
