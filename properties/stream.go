package properties

import (
	"cutthrough/model"
	"cutthrough/sim"
)

// checkBytes fails the execution unless got is the stream at position at.
func checkBytes(w *sim.World, got []byte, at int) {
	if i := model.CheckStream(got, at); i >= 0 {
		w.Fail(propStream, "byte %d of the stream is %d, want %d", at+i, got[i], model.StreamByte(at+i))
	}
}
