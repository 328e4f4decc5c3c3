package oracle

import (
	"cutthrough/impl"
	"cutthrough/model/negotiation"
)

// This file translates between the messages of the session layer and the words of its models: the events of
// the model of one session, and the messages of the model of the whole layer.

// Taken returns the kind of the event that a message of an application is for the model of a session, or
// false if it is none: Detach is about all sessions, and the rest about none.
func Taken(m impl.Message) (uint8, bool) {
	switch m.Kind {
	case impl.MsgAcceptReply:
		if m.Status != impl.OK {
			return negotiation.TakenReject, true
		}
		return negotiation.TakenAccept, true
	case impl.MsgDisconnect:
		if m.How == impl.CloseWrite {
			return negotiation.TakenFin, true
		}
		return negotiation.TakenDisconnect, true
	case impl.MsgReset:
		return negotiation.TakenReset, true
	case impl.MsgDisconnectReply, impl.MsgResetReply:
		return negotiation.TakenConfirm, true
	}
	return 0, false
}

// Told returns the kind of the event that a message of the layer is for the model of a session, or
// false if it is none.
func Told(m impl.Message) (uint8, bool) {
	switch m.Kind {
	case impl.MsgAccept:
		return negotiation.ToldAccept, true
	case impl.MsgConnectReply:
		switch m.Status {
		case impl.OK:
			return negotiation.ToldConnected, true
		case impl.TimedOut:
			return negotiation.ToldTimedOut, true
		}
		return negotiation.ToldRefused, true
	case impl.MsgDisconnect:
		if m.How == impl.CloseWrite {
			return negotiation.ToldFinished, true
		}
		return negotiation.ToldClosed, true
	case impl.MsgReset:
		return negotiation.ToldReset, true
	case impl.MsgDisconnectReply, impl.MsgResetReply:
		if m.Status != impl.OK {
			return negotiation.ToldInvalid, true
		}
		return negotiation.ToldDone, true
	}
	return 0, false
}

// ToldWord returns the kind of the message of the model of the layer that a message of the layer is, or
// false if that model leaves it out, as it does most replies.
func ToldWord(m impl.Message) (int, bool) {
	switch m.Kind {
	case impl.MsgMap:
		return negotiation.MsgMap, true
	case impl.MsgUnmap:
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
func Said(word int) (impl.Message, bool) {
	switch word {
	case negotiation.MsgConnect:
		return impl.Message{Kind: impl.MsgConnect}, true
	case negotiation.MsgAcceptReply:
		return impl.Message{Kind: impl.MsgAcceptReply}, true
	case negotiation.MsgReject:
		return impl.Message{Kind: impl.MsgAcceptReply, Status: impl.Refused}, true
	case negotiation.MsgDisconnect:
		return impl.Message{Kind: impl.MsgDisconnect}, true
	case negotiation.MsgFin:
		return impl.Message{Kind: impl.MsgDisconnect, How: impl.CloseWrite}, true
	case negotiation.MsgConfirm:
		// Whatever it says, it says that it is done (H-24).
		return impl.Message{Kind: impl.MsgDisconnectReply, Status: impl.Invalid}, true
	case negotiation.MsgUnmapReply:
		return impl.Message{Kind: impl.MsgUnmapReply}, true
	case negotiation.MsgUnbind:
		return impl.Message{Kind: impl.MsgUnbind}, true
	case negotiation.MsgDetach:
		return impl.Message{Kind: impl.MsgDetach}, true
	}
	return impl.Message{}, false
}
