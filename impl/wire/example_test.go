package wire_test

import (
	"fmt"

	"cutthrough/impl/wire"
)

// A connect as an application sends it and the session layer receives it. Decode returns ErrMessage for bytes that no
// Encode makes.
func Example() {
	m := wire.Message{Type: wire.Connect, RequestID: 7, URI: "tcp://127.0.0.1/80"}
	if err := m.Validate(); err != nil {
		fmt.Println(err)
	}
	got, err := wire.Decode(m.Encode(nil))
	fmt.Println(got == m, err)
	fmt.Println(got.Type, got.Descs(), got.Type.Reply())
	// Output:
	// true <nil>
	// connect 0 connect-reply
}
