package oshost

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"cutthrough/shm"
)

// TestDescHeld: Close does not wait for calls under way, and the descriptor stays
// theirs until the last of them ends.
func TestDescHeld(t *testing.T) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	open := func() bool {
		_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		return err == nil
	}
	d := &fdDesc{fd: fd}
	for range 2 {
		if got, ok := d.hold(); got != fd || !ok {
			t.Fatalf("held %d, %v, want %d", got, ok, fd)
		}
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	d.drop()
	if !open() {
		t.Error("closed while a call was under way")
	}
	if _, ok := d.hold(); ok {
		t.Error("a closed descriptor was held")
	}
	if _, err := takeFD(d); err == nil {
		t.Error("a closed descriptor was taken")
	}
	d.drop()
	if open() {
		t.Error("still open after the last call")
	}
}

// heldDesc is a descriptor that looks, when it is let go, whether peer has a message.
type heldDesc struct {
	fdDesc
	peer    int
	arrived []bool
}

func (d *heldDesc) drop() {
	_, _, err := unix.Recvfrom(d.peer, make([]byte, 1), unix.MSG_PEEK|unix.MSG_DONTWAIT)
	d.arrived = append(d.arrived, err == nil)
	d.fdDesc.drop()
}

// TestSendHoldsDescs: until a message is sent none of its descriptors can be closed
// and its number go to another.
func TestSendHoldsDescs(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	d := &heldDesc{fdDesc: fdDesc{fd: pair[0]}, peer: pair[1]}
	if err := sendMessage(pair[0], []byte("x"), []shm.Desc{d, d}); err != nil {
		t.Error(err)
	}
	if len(d.arrived) != 2 || !d.arrived[0] || !d.arrived[1] {
		t.Errorf("let go of after the message was sent: %v, want twice true", d.arrived)
	}
	if err := errors.Join(d.Close(), unix.Close(pair[1])); err != nil {
		t.Error(err)
	}
}
