// Package wire has the messages between an application and the session layer, their encoding, and what
// they name: handles, endpoints, locations in memory, statuses.
//
// [Message.Encode] and [Decode] are inverse to each other, and there is one encoding of a message. A
// message of each [Type] has some of the fields of [Message]; docs/PROTOCOL.md says what each means and
// which side sends it when. A request is answered by exactly one reply ([Type.Reply]), with a [Status] and the
// request id of the request.
//
// Everything here is a plain value. All functions are safe for concurrent use.
package wire
