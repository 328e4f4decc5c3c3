package oracle

import (
	"cutthrough/impl/wire"
	"cutthrough/model/negotiation"
)

// This file translates messages of the session layer to and from the words of its models: the events of the
// model of one session, and the messages of the model of the whole layer.

// Taken returns the event kind of a message of an application in the model of a session, or false if the
// message is no such event: Detach concerns all sessions, the others none.
func Taken(m wire.Message) (uint8, bool) {
	switch m.Type {
	case wire.AcceptReply:
		if m.Status != wire.OK {
			return negotiation.TakenReject, true
		}
		return negotiation.TakenAccept, true
	case wire.Disconnect:
		if m.CloseMode == wire.CloseWrite {
			return negotiation.TakenFin, true
		}
		return negotiation.TakenDisconnect, true
	case wire.Reset:
		return negotiation.TakenReset, true
	case wire.DisconnectReply, wire.ResetReply:
		return negotiation.TakenConfirm, true
	}
	return 0, false
}

// Told returns the event kind of a message of the layer in the model of a session, or false if the message is
// no such event.
func Told(m wire.Message) (uint8, bool) {
	switch m.Type {
	case wire.Accept:
		return negotiation.ToldAccept, true
	case wire.ConnectReply:
		switch m.Status {
		case wire.OK:
			return negotiation.ToldConnected, true
		case wire.TimedOut:
			return negotiation.ToldTimedOut, true
		}
		return negotiation.ToldRefused, true
	case wire.Disconnect:
		if m.CloseMode == wire.CloseWrite {
			return negotiation.ToldFinished, true
		}
		return negotiation.ToldClosed, true
	case wire.Reset:
		if m.Gone {
			return negotiation.ToldGone, true
		}
		return negotiation.ToldReset, true
	case wire.DisconnectReply, wire.ResetReply:
		if m.Status != wire.OK {
			return negotiation.ToldInvalid, true
		}
		return negotiation.ToldDone, true
	}
	return 0, false
}

// ToldWord returns the kind of a message of the layer in the model of the layer, or false if that model leaves
// the message out, as it does most replies.
func ToldWord(m wire.Message) (int, bool) {
	switch m.Type {
	case wire.Map:
		return negotiation.MsgMap, true
	case wire.Unmap:
		return negotiation.MsgUnmap, true
	}
	kind, _ := Told(m)
	switch kind {
	case negotiation.ToldAccept:
		return negotiation.MsgAccept, true
	case negotiation.ToldConnected:
		return negotiation.MsgConnected, true
	case negotiation.ToldRefused, negotiation.ToldTimedOut:
		return negotiation.MsgRefused, true
	case negotiation.ToldFinished:
		return negotiation.MsgFinished, true
	case negotiation.ToldClosed:
		return negotiation.MsgClosed, true
	case negotiation.ToldReset, negotiation.ToldGone:
		return negotiation.MsgReset, true
	}
	return 0, false
}

// Said returns the message of an application for a word of the model of the layer, without handle and endpoint;
// or false if no application sends the word.
func Said(word int) (wire.Message, bool) {
	switch word {
	case negotiation.MsgConnect:
		return wire.Message{Type: wire.Connect}, true
	case negotiation.MsgAcceptReply:
		return wire.Message{Type: wire.AcceptReply}, true
	case negotiation.MsgReject:
		return wire.Message{Type: wire.AcceptReply, Status: wire.Refused}, true
	case negotiation.MsgDisconnect:
		return wire.Message{Type: wire.Disconnect}, true
	case negotiation.MsgFin:
		return wire.Message{Type: wire.Disconnect, CloseMode: wire.CloseWrite}, true
	case negotiation.MsgConfirm:
		// A confirmation counts whatever its status is (H-24).
		return wire.Message{Type: wire.DisconnectReply, Status: wire.Invalid}, true
	case negotiation.MsgUnmapReply:
		return wire.Message{Type: wire.UnmapReply}, true
	case negotiation.MsgUnbind:
		return wire.Message{Type: wire.Unbind}, true
	case negotiation.MsgDetach:
		return wire.Message{Type: wire.Detach}, true
	}
	return wire.Message{}, false
}
