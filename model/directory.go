package model

import "fmt"

// DirOp names an operation of a [Directory].
type DirOp uint8

// The operations of a directory of listeners.
const (
	Bind   DirOp = iota // listen at a port
	Unbind              // stop listening
	Dial                // connect to the application that listens
	Leave               // an application that listens there leaves or dies
	numDirOps
)

var dirOpText = [numDirOps]string{"bind", "unbind", "dial", "leave"}

// String returns the operation as failure reports print it.
func (op DirOp) String() string {
	if op < numDirOps {
		return dirOpText[op]
	}
	return fmt.Sprintf("directory op %d", uint8(op))
}

// DirIn is a call on a directory by application App (1 or more).
type DirIn struct {
	Op   DirOp
	Port int
	App  int
}

// String returns for example "bind 80 by 1".
func (in DirIn) String() string { return fmt.Sprintf("%v %d by %d", in.Op, in.Port, in.App) }

// DirOut is the answer: OK, Taken, Refused or Self.
type DirOut struct{ Status DirStatus }

// DirStatus is how an operation of a directory ended.
type DirStatus uint8

// The statuses.
const (
	DirOK      DirStatus = iota
	DirTaken             // bind: an application listens there
	DirRefused           // dial: no application listens there
	DirSelf              // dial: the caller itself listens there
)

// String returns the status as failure reports print it.
func (s DirStatus) String() string {
	return [...]string{"ok", "taken", "refused", "self"}[s&3]
}

// Directory specifies which application listens at a port, one port at a time: the state is
// that application, 0 for none. A bind succeeds exactly when none listens, a dial exactly when
// another one does.
type Directory struct{}

// Init returns the state in which no application listens.
func (Directory) Init() int { return 0 }

// Step implements [Spec].
func (Directory) Step(owner int, in DirIn, out DirOut) (int, bool) {
	switch {
	case in.Op == Bind && out.Status == DirOK:
		return in.App, owner == 0
	case in.Op == Bind && out.Status == DirTaken:
		return owner, owner != 0
	case in.Op == Unbind && out.Status == DirOK:
		return 0, owner == in.App
	case in.Op == Dial && out.Status == DirOK:
		return owner, owner != 0 && owner != in.App
	case in.Op == Dial && out.Status == DirRefused:
		return owner, owner == 0
	case in.Op == Dial && out.Status == DirSelf:
		return owner, owner == in.App
	case in.Op == Leave && out.Status == DirOK:
		if owner == in.App {
			owner = 0
		}
		return owner, true
	}
	return owner, false
}

// Crash implements [Spec].
func (d Directory) Crash(owner int, in DirIn) []int {
	states := []int{owner}
	switch {
	case in.Op == Bind && owner == 0:
		states = append(states, in.App)
	case (in.Op == Unbind || in.Op == Leave) && owner == in.App:
		states = append(states, 0)
	}
	return states
}
