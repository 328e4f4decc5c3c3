package impl

import (
	"errors"
	"fmt"
	"io"

	"cutthrough/impl/wire"
	"cutthrough/shm"
)

// runControl handles the messages of the session layer, in order.
func (a *App) runControl() {
	buf := make([]byte, wire.MaxSize)
	for {
		n, descs, err := a.conn.Recv(buf, shm.Forever)
		if err == nil {
			err = a.control(buf[:n], descs)
		}
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, shm.ErrPeerClosed) {
				err = ErrLayerGone
			}
			a.mu.Lock()
			a.endLocked(err)
			a.mu.Unlock()
			_ = a.conn.Close()
			return
		}
	}
}

// control handles one message.
func (a *App) control(b []byte, descs []shm.Desc) error {
	m, err := wire.Decode(b)
	short := m.Type == wire.Map && len(descs) == 0 // the session layer could not send them
	if err == nil && len(descs) != m.Descs() && !short {
		err = fmt.Errorf("impl: %w: %v with %d descriptors", wire.ErrMessage, m.Type, len(descs))
	}
	if err != nil {
		closeDescs(descs)
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.observe(ObserveReceived, m)
	switch m.Type {
	case wire.Map:
		if short {
			return a.answer(wire.Message{Type: wire.MapReply, Handle: m.Handle, Status: wire.NoMemory})
		}
		return a.answer(wire.Message{Type: wire.MapReply, Handle: m.Handle, Status: a.mapSegmentLocked(m, descs)})
	case wire.Unmap:
		status := wire.OK
		if a.unmapLocked(m.Handle) != nil {
			status = wire.Invalid
		}
		return a.answer(wire.Message{Type: wire.UnmapReply, Handle: m.Handle, Status: status})
	case wire.Accept:
		return a.answer(wire.Message{Type: wire.AcceptReply, Handle: m.Handle, Status: a.acceptLocked(m)})
	case wire.Disconnect, wire.Reset:
		if s := a.sessionLocked(m.Handle.Index()); s != nil && s.handle == m.Handle {
			s.peerDidLocked(m)
		}
		return nil
	}
	return a.replyLocked(m)
}

// answer answers a notification. The session layer always reads, so it does not wait long.
func (a *App) answer(m wire.Message) error { return a.conn.Send(m.Encode(nil), nil, shm.Forever) }

// mapSegmentLocked maps a segment and opens the doorbells that came with it.
func (a *App) mapSegmentLocked(m wire.Message, descs []shm.Desc) wire.Status {
	if a.err != nil {
		closeDescs(descs)
		return wire.Invalid // it would never be unmapped
	}
	seg, err := a.host.MapSegment(descs[0], m.Size)
	if err != nil {
		closeDescs(descs[1:])
		return wire.NoMemory
	}
	var p *peer
	if m.Doorbells {
		if p, err = a.newPeer(descs[1], descs[2]); err != nil {
			_ = seg.Close()
			return wire.NoMemory
		}
	}
	if err := a.table.add(&mapping{m.Handle, m.Base, seg, p}); err != nil {
		_ = errors.Join(seg.Close(), p.close())
		return wire.Invalid
	}
	a.observe(ObserveMapped, m)
	return wire.OK
}

// unmapLocked forgets a segment and its peer. Sessions in it are over by then.
func (a *App) unmapLocked(h wire.Handle) error {
	m := a.table.remove(h)
	if m == nil {
		return fmt.Errorf("impl: unmap %v: %w", h, ErrUnresolved)
	}
	a.observe(ObserveUnmapped, wire.Message{Type: wire.Map, Handle: h, Base: m.base, Size: m.seg.Size()})
	return errors.Join(m.seg.Close(), m.peer.close())
}

func closeDescs(descs []shm.Desc) {
	for _, d := range descs {
		_ = d.Close()
	}
}
