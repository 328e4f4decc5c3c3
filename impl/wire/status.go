package wire

import (
	"fmt"
	"syscall"
)

// Status is the result that a reply carries. It is an error, or OK.
type Status int32

// The statuses. The numbers follow the ancestor's where it has one.
const (
	OK              Status = 0
	Invalid         Status = -7   // no such handle, not yours, or not in this state
	AddressInUse    Status = -105 // a listener is there
	AddressNotInUse Status = -106 // no listener is there
	NoMemory        Status = -109 // no memory, no address space
	Refused         Status = -115 // no listener, or it rejected
	NotAttached     Status = -118
	NoNamespace     Status = -128
	WrongSecret     Status = -129
	WrongScope      Status = -130 // the endpoint is outside the application's scope
	AlreadyAttached Status = -131
	Unsupported     Status = -132 // what was asked for is not understood or not offered
	QuotaExceeded   Status = -133
	TimedOut        Status = -134 // the peer did not answer in time
	SelfConnect     Status = -135 // an application cannot connect to itself
	Denied          Status = -136 // the policy of the session layer does not let this process attach
)

var statusText = map[Status]string{
	OK: "ok", Invalid: "invalid", AddressInUse: "address in use", AddressNotInUse: "address not in use",
	NoMemory: "out of memory", Refused: "connection refused", NotAttached: "not attached",
	NoNamespace: "no such namespace", WrongSecret: "wrong secret", WrongScope: "out of scope",
	AlreadyAttached: "already attached", Unsupported: "unsupported", QuotaExceeded: "quota exceeded",
	TimedOut: "timed out", SelfConnect: "connect to itself",
	Denied: "permission denied",
}

// String returns the status in words.
func (s Status) String() string {
	if t, ok := statusText[s]; ok {
		return t
	}
	return fmt.Sprintf("status %d", int32(s))
}

// Error returns the status in words.
func (s Status) Error() string { return "session layer: " + s.String() }

// Err returns nil for OK, else s.
func (s Status) Err() error {
	if s == OK {
		return nil
	}
	return s
}

// errno is the error of the operating system that means the same, or 0.
func (s Status) errno() syscall.Errno {
	switch s {
	case Refused:
		return syscall.ECONNREFUSED
	case AddressInUse:
		return syscall.EADDRINUSE
	case WrongSecret, WrongScope, Denied:
		return syscall.EACCES
	case TimedOut:
		return syscall.ETIMEDOUT
	case NoMemory:
		return syscall.ENOMEM
	}
	return 0
}

// Is makes a Status match the error of the operating system that means the same.
func (s Status) Is(target error) bool {
	e := s.errno()
	return e != 0 && target == e
}

// As makes errors.As find the error of the operating system that means the same.
func (s Status) As(target any) bool {
	p, ok := target.(*syscall.Errno)
	if ok = ok && s.errno() != 0; ok {
		*p = s.errno()
	}
	return ok
}

// Timeout says whether the status is a timeout.
func (s Status) Timeout() bool { return s == TimedOut }
