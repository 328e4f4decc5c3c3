package shm

import "time"

// OS returns the operating system of this process, Linux 5.8 or later: segments are
// sealed memfds, doorbells are eventfds, control channels are unix sockets of
// type SOCK_SEQPACKET. Every descriptor is close-on-exec. Blocked calls park
// their goroutine in the Go netpoller and hold no thread.
//
// Two values of OS behave as two processes that share a descriptor table; only
// their clocks differ.
func OS() Host { return &osHost{clock{time.Now()}} }

type osHost struct{ clock }
