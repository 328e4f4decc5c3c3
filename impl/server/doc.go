// Package server runs a session layer as a service: the tasks, control channels, segments and backlogs
// around a [layer.Core].
//
// [New] takes a listener; [Server.Run] accepts the applications that come to it until [Server.Close]. One
// task reads each control channel and gives its messages to the core; one waits for the next deadline; one
// sends to each application that does not read fast enough; workers create, zero and release the memory of
// segments, the pairs in turn. The server never waits for an application: what one does not read is kept up
// to a bound, and then the application is hung up.
//
// # Shares
//
// The kernel says which user and process is behind a channel. A token bucket for each process and each user
// decides when a new channel is read; of channels without an application that are too many, one goes of the
// process that has the most; a [Policy] decides which applications may attach. The quotas of what has
// attached are the core's: see [layer.Config].
//
// A [Server] is safe for concurrent use. One lock guards the core and everything else; a method whose
// name ends in Locked is called with it. No task holds it while it waits,
// works on much memory or closes a channel.
package server
