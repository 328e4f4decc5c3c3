package impl

import (
	"errors"
	"fmt"
	"io"

	"cutthrough/impl/wire"
	"cutthrough/shm"
)

// runControl handles the messages of the session layer, in order.
func (a *attachment) runControl() {
	buf := make([]byte, wire.MaxSize)
	for {
		n, descs, err := a.conn.Recv(buf, shm.Forever)
		if err == nil || errors.Is(err, shm.ErrShortage) {
			err = a.control(buf[:n], descs)
		}
		if err != nil {
			switch {
			case errors.Is(err, io.EOF) || errors.Is(err, shm.ErrPeerClosed):
				err = ErrLayerGone
			case !errors.Is(err, shm.ErrClosed): // by this application
				err = fmt.Errorf("%w: %w", ErrLayerGone, err)
			}
			a.app.mu.Lock()
			a.hangUpLocked(err)
			a.app.mu.Unlock()
			_ = a.conn.Close()
			return
		}
	}
}

// control handles one message.
func (a *attachment) control(b []byte, descs []shm.Desc) error {
	m, err := wire.Decode(b)
	if err == nil && len(descs) != m.Descs() && !(m.Type == wire.Map && len(descs) == 0) {
		err = fmt.Errorf("impl: %w: %v with %d descriptors", wire.ErrMessage, m.Type, len(descs))
	}
	if err != nil {
		closeDescs(descs)
		return err
	}
	a.app.mu.Lock()
	defer a.app.mu.Unlock()
	a.observe(Observation{Kind: ObserveReceived, Msg: m})
	switch m.Type {
	case wire.Map:
		a.postLocked(wire.Message{Type: wire.MapReply, Handle: m.Handle, Status: a.mapSegmentLocked(m, descs)}, nil)
	case wire.Unmap:
		status := wire.OK
		if a.table.used(m.Handle) || a.unmapLocked(m.Handle) != nil {
			status = wire.Invalid
		}
		a.postLocked(wire.Message{Type: wire.UnmapReply, Handle: m.Handle, Status: status}, nil)
	case wire.Accept:
		a.acceptLocked(m)
	case wire.Leaving:
		a.leaving = true
	case wire.Disconnect, wire.Reset:
		if s := a.sessionLocked(m.Handle.Index()); s != nil && s.handle == m.Handle {
			s.peerDidLocked(m)
		} else {
			a.withdrawnLocked(m.Handle)
		}
	default:
		if err := a.replyLocked(m); err != nil {
			return err
		}
	}
	a.flushLocked()
	return nil
}

// mapSegmentLocked maps a segment and opens the doorbells that came with it. Without descriptors, for which this process had
// no room, it has failed: the answer takes none.
func (a *attachment) mapSegmentLocked(m wire.Message, descs []shm.Desc) wire.Status {
	if len(descs) == 0 {
		return wire.NoMemory
	}
	if a.err != nil {
		closeDescs(descs)
		return wire.Invalid // it would never be unmapped
	}
	seg, err := a.app.host.MapSegment(descs[0], m.Size)
	if err != nil {
		closeDescs(descs[1:])
		return wire.NoMemory
	}
	var p *peer
	if m.Doorbells {
		if p, err = a.app.newPeer(descs[1], descs[2]); err != nil {
			_ = seg.Close()
			return wire.NoMemory
		}
	}
	if err := a.table.add(&mapping{h: m.Handle, base: m.Base, seg: seg, peer: p}); err != nil {
		_ = errors.Join(seg.Close(), p.close())
		return wire.Invalid
	}
	a.observe(Observation{Kind: ObserveMapped, Msg: m})
	return wire.OK
}

// unmapLocked forgets a segment and its peer. Sessions in it are over by then.
func (a *attachment) unmapLocked(h wire.Handle) error {
	m := a.table.remove(h)
	if m == nil {
		return fmt.Errorf("impl: unmap %v: %w", h, ErrUnresolved)
	}
	a.observe(Observation{Kind: ObserveUnmapped, Msg: wire.Message{Type: wire.Map, Handle: h, Base: m.base, Size: m.seg.Size()}})
	return errors.Join(m.seg.Close(), m.peer.close())
}

func closeDescs(descs []shm.Desc) {
	for _, d := range descs {
		_ = d.Close()
	}
}
