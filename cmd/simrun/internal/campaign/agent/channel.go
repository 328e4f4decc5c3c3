package agent

import (
	"io"

	"golang.org/x/sys/unix"

	"cutthrough/impl/wire"
	"cutthrough/shm"
)

// channel is a control channel below shm: an attacker sends any bytes with any descriptors.
type channel struct{ fd int }

// connect connects to the session layer. While its queue of connections is full, that takes longer.
func (x *attack) connect() (*channel, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := uninterrupted(func() error { return unix.Connect(fd, &unix.SockaddrUnix{Name: x.socket}) }); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	limit := unix.NsecToTimeval(int64(opPatience))
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit)
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit)
	return &channel{fd}, nil
}

// uninterrupted calls f until no signal interrupts it.
func uninterrupted(f func() error) error {
	for {
		if err := f(); err != unix.EINTR {
			return err
		}
	}
}

func (c *channel) close() { _ = unix.Close(c.fd) }

// send sends b with descriptors. An error means that the session layer has hung up, or does not take them.
func (c *channel) send(b []byte, fds ...int) error {
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	return uninterrupted(func() error { return unix.Sendmsg(c.fd, b, oob, nil, unix.MSG_NOSIGNAL) })
}

// say sends a message. That the session layer has hung up is found out by the next recv.
func (c *channel) say(m wire.Message) { _ = c.send(m.Encode(nil)) }

// message is a message with its descriptors.
type message struct {
	wire.Message
	fds []int
}

// recv receives a message. An error means that no more will come.
func (c *channel) recv() (message, error) {
	b, oob := make([]byte, wire.MaxSize), make([]byte, unix.CmsgSpace(4*shm.MaxDescs))
	for {
		n, oobn, _, _, err := unix.Recvmsg(c.fd, b, oob, unix.MSG_CMSG_CLOEXEC)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return message{}, err
		case n == 0:
			return message{}, io.EOF
		}
		m, err := wire.Decode(b[:n])
		return message{m, received(oob[:oobn])}, err
	}
}

// received returns the descriptors that came with a message.
func received(oob []byte) []int {
	msgs, _ := unix.ParseSocketControlMessage(oob)
	var fds []int
	for i := range msgs {
		some, _ := unix.ParseUnixRights(&msgs[i])
		fds = append(fds, some...)
	}
	return fds
}
