package serve

import (
	"fmt"
	"testing"

	"cutthrough/impl/server"
	"cutthrough/impl/wire"
	"cutthrough/shm"
	"cutthrough/shm/oshost"

	"github.com/spf13/cobra"
)

// A process may attach by its user, by the group that it runs with, or by a group of its user; root always may.
func TestAllow(t *testing.T) {
	members := func(uid uint32) []uint32 {
		if uid == 12 {
			return []uint32{30, 20}
		}
		return nil
	}
	for _, tt := range []struct {
		uid, gid uint32
		want     wire.Status
	}{{0, 0, wire.OK}, {10, 1, wire.OK}, {11, 20, wire.OK}, {12, 1, wire.OK}, {13, 1, wire.Denied}, {20, 10, wire.Denied}} {
		got := allow([]uint32{10}, []uint32{20}, members)(server.Applicant{Peer: shm.Peer{UID: tt.uid, GID: tt.gid}})
		if got != tt.want {
			t.Errorf("user %d of group %d: %v, want %v", tt.uid, tt.gid, got, tt.want)
		}
	}
}

// Every refusal has a reason of its own in the metrics: a status is known to wire if it has words.
func TestEveryStatusHasReason(t *testing.T) {
	for s := wire.Status(-1); s > -1000; s-- {
		if known := s.String() != fmt.Sprintf("status %d", int32(s)); known != (reasons[s] != "") {
			t.Errorf("status %d (%v): reason %q", int32(s), s, reasons[s])
		}
	}
}

// The total of memory is what the machine can spare, unless it is set, and what follows from it does so either way.
func TestTotalBytes(t *testing.T) {
	o, cmd := defaultOptions(), &cobra.Command{}
	o.flags(cmd)
	before, err := oshost.MemoryBudget()
	if err != nil {
		t.Fatal(err)
	}
	if err := o.load(cmd.Flags()); err != nil {
		t.Fatal(err)
	}
	l := &o.server.Layer
	if got := l.MaxTotalBytes; got < before/2 || got > 2*before || l.MaxUserBytes != got-got/4 || l.MaxBytes > got/2 {
		t.Errorf("%d bytes of a budget of %d; %d of a user, %d of an application", got, before, l.MaxUserBytes, l.MaxBytes)
	}
}
