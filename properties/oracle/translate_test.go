package oracle

import (
	"testing"

	"cutthrough/model/negotiation"
)

// TestWordsAgree: what an application says in the model of the layer is the same event for the model of a session.
func TestWordsAgree(t *testing.T) {
	for word, want := range map[int]uint8{
		negotiation.MsgAcceptReply: negotiation.TakenAccept,
		negotiation.MsgReject:      negotiation.TakenReject,
		negotiation.MsgDisconnect:  negotiation.TakenDisconnect,
		negotiation.MsgFin:         negotiation.TakenFin,
		negotiation.MsgConfirm:     negotiation.TakenConfirm,
	} {
		m, ok := Said(word)
		kind, ok2 := Taken(m)
		if !ok || !ok2 || kind != want {
			t.Errorf("word %d is %v, which is event %d, want %d", word, m, kind, want)
		}
		if w, ok := ToldWord(m); ok && word == negotiation.MsgAcceptReply {
			t.Errorf("%v is word %d of the layer", m, w)
		}
	}
	if _, ok := Said(negotiation.MsgEnd); ok {
		t.Error("an application says that it is dead")
	}
}
