// Package session has the scenarios of the whole session layer: the real server in a process of its own, and
// applications that use the real library, or are hostile.
//
// Its functions may be called concurrently.
package session
