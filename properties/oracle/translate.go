package oracle

import (
	"cutthrough/impl/wire"
	"cutthrough/model/negotiation"
)

// This file translates between the messages of the session layer and the words of its models: the events of
// the model of one session, and the messages of the model of the whole layer.

// Taken returns the kind of the event that a message of an application is for the model of a session, or
// false if it is none: Detach is about all sessions, and the rest about none.
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

// Told returns the kind of the event that a message of the layer is for the model of a session, or
// false if it is none.
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
		return negotiation.ToldReset, true
	case wire.DisconnectReply, wire.ResetReply:
		if m.Status != wire.OK {
			return negotiation.ToldInvalid, true
		}
		return negotiation.ToldDone, true
	}
	return 0, false
}

// ToldWord returns the kind of the message of the model of the layer that a message of the layer is, or
// false if that model leaves it out, as it does most replies.
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
	case negotiation.ToldReset:
		return negotiation.MsgReset, true
	}
	return 0, false
}

// Said returns a message of an application that has a meaning in the model of the layer, without what it is
// about; or false if it is none that an application can say.
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
		// Whatever it says, it says that it is done (H-24).
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
