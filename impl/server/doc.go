// Package server runs a session layer as a service: the tasks, control channels, segments and backlogs
// around a [layer.Core].
//
// [New] takes a listener; [Server.Run] accepts the applications that come to it until [Server.Close]. One
// task reads each control channel and gives its messages to the core; one waits for the next deadline; one
// sends to each application that does not read fast enough. The server never waits for an application:
// what one does not read is kept up to a bound, and then the application is hung up.
//
// A [Server] is safe for concurrent use. One lock guards the core and everything else; a method whose
// name ends in Locked is called with it. No task holds it while it waits.
package server
