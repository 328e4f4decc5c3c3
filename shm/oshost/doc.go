// Package oshost is the real implementation of [shm.Host]. [New] returns it.
//
// On Linux 5.8 or later segments are sealed memfds, and control channels
// are unix sockets of type SOCK_SEQPACKET with descriptors attached. A doorbell is a pair of such sockets, one for
// each side, that carries rings in one direction. Every descriptor is
// close-on-exec. A blocked call parks its goroutine in the Go netpoller and holds no thread. On
// other systems clock, tasks, locks and local doorbells work, and every other method returns an
// error that is [errors.ErrUnsupported], so that a simulator can be built and run there.
//
// # Trust
//
// A descriptor from a peer may be of any kind. It is checked before it is used: a segment must be a
// memfd on tmpfs, with the announced size and with seals against resizing, and an end of a doorbell must be
// such a socket. The order of the checks keeps a descriptor of a hostile file system or protocol from
// blocking a call. Such a descriptor is closed on a goroutine of its own, because its close may
// block.
//
// Channels that a listener accepts and the waiting ends of doorbells take no descriptors at all. Linux 6.16 and later
// refuse them (SO_PASSRIGHTS). Before, a call looks first and takes no message that has some: a channel stays at that
// message with ErrTruncated, a doorbell seems to be closed by its peer. Close of such a handle leaves the work to one of
// a bounded number of goroutines, because the descriptors that wait in it are closed with it.
//
// # Concurrency
//
// All methods are safe for concurrent use, except that one task at a time may call Wait of a
// doorbell. Two Hosts of one process behave as two processes that share a descriptor table; only
// their clocks differ. A listener has one lock, which is not held while a call blocks.
//
// # Limits
//
// An address is a path, or "@name" in the abstract namespace, of at most 107 bytes. A path is
// guarded by a lock file beside it, "path.lock". A listener keeps 4096 connections that were not
// accepted, and a channel about 200 KiB of messages that were not read.
package oshost
