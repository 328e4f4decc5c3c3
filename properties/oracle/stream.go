package oracle

import (
	"cutthrough/model"
	"cutthrough/sim"
)

// CheckStream fails the execution unless got is the part of the stream at position at.
func CheckStream(w *sim.World, got []byte, at int) {
	if i := model.CheckStream(got, at); i >= 0 {
		w.Fail(Stream, "byte %d of the stream is %d, want %d", at+i, got[i], model.StreamByte(at+i))
	}
}
