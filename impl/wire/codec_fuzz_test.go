package wire

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

func FuzzDecode(f *testing.F) {
	for k := Attach; k < NumTypes; k++ {
		f.Add(Message{Type: k, RequestID: 7, Handle: NewHandle(KindSession, 1, 2)}.Encode(nil))
	}
	f.Add(Message{Type: Connect, URI: "tcp://::1/80"}.Encode(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err != nil {
			if !errors.Is(err, ErrMessage) {
				t.Fatalf("%v is not ErrMessage", err)
			}
			return
		}
		if again := m.Encode(nil); !bytes.Equal(again, b) {
			t.Fatalf("%v: encodes as\n%x, was\n%x", m, again, b)
		}
		_ = fmt.Sprint(m)
	})
}
