package session

import (
	"fmt"

	"cutthrough/impl/wire"
	"cutthrough/shm"
	"cutthrough/shm/evq"
	"cutthrough/sim/exec"
)

// decoder reads the messages of the session layer for the record of an execution. It implements [sim.Decoder].
type decoder struct{}

// Message returns a message on a control channel, or nil for bytes that are none.
func (decoder) Message(b []byte) *exec.Message {
	m, err := wire.Decode(b)
	if err != nil {
		return nil
	}
	out := &exec.Message{Name: m.Type.String()}
	add := func(key string, set bool, v any) {
		if set {
			out.Fields = append(out.Fields, exec.Field{Key: key, Value: fmt.Sprint(v)})
		}
	}
	location := func(key string, l wire.Location) { add(key, l != 0, fmt.Sprintf("%#x", uint64(l))) }
	add("status", m.Type.IsReply() || m.Status != wire.OK, m.Status)
	add("handle", m.Handle != 0, m.Handle)
	add("request", m.RequestID != 0, m.RequestID)
	add("namespace", m.Namespace != "", m.Namespace)
	add("uri", m.URI != "", m.URI)
	add("endpoint", m.Endpoint != wire.Endpoint{}, m.Endpoint)
	add("rx-size", m.RxSize != 0, m.RxSize)
	add("tx-size", m.TxSize != 0, m.TxSize)
	location("base", m.Base)
	add("size", m.Size != 0, m.Size)
	add("listener", m.Listener != 0, m.Listener)
	location("rx", m.Rx)
	location("tx", m.Tx)
	location("post", m.PostQueue)
	location("read", m.ReadQueue)
	add("serial", m.Serial != 0, m.Serial)
	add("peer", m.Peer != wire.Peer{}, m.Peer)
	add("gone", m.Gone, m.Gone)
	add("side", m.CloseMode == wire.CloseWrite, "write")
	return out
}

// Word returns the event that a slot of an event queue holds, or nil.
func (decoder) Word(name shm.Name, value uint64) *exec.Message {
	if name != evq.SlotName() {
		return nil
	}
	ev, ok := evq.EventIn(value)
	if !ok {
		return nil
	}
	return &exec.Message{Name: "event", Fields: []exec.Field{
		{Key: "kind", Value: fmt.Sprint(ev.Kind)}, {Key: "arg", Value: fmt.Sprint(ev.Arg)},
	}}
}
