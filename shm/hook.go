package shm

// Op says what an access or a call does. It is part of a trace anchor
// ("fifo.tail store"), so the texts of String are API.
type Op uint8

// The operations. Load to Swap act on one word; Read and Write on a plain
// range; the rest are not memory accesses but calls that a scheduler controls.
const (
	OpLoad Op = iota
	OpStore
	OpCAS
	OpAdd
	OpSwap
	OpRead  // plain (non-atomic) read of a range
	OpWrite // plain (non-atomic) write of a range
	OpLock
	OpUnlock
	OpRing  // doorbell: signal
	OpWait  // doorbell, message or timer: wait
	OpBlock // the caller of a wait or lock cannot go on
	OpSend
	OpRecv
	OpCall   // any other system call; the name says which
	OpChoose // a value drawn by a workload
	OpBegin  // a task's first step
	OpEnd    // a task's last step
	NumOps
)

var opText = [NumOps]string{
	"load", "store", "cas", "add", "swap", "read", "write", "lock", "unlock",
	"ring", "wait", "block", "send", "recv", "call", "choose", "begin", "end",
}

// String returns the word used in traces.
func (o Op) String() string {
	if o < NumOps {
		return opText[o]
	}
	return "?"
}

// ParseOp is the inverse of [Op.String].
func ParseOp(text string) (Op, bool) {
	for i, t := range opText {
		if t == text {
			return Op(i), true
		}
	}
	return 0, false
}

// Plain says whether the operation is a non-atomic memory access, which a
// data race detector must check.
func (o Op) Plain() bool { return o == OpRead || o == OpWrite }

// A AccessHook sees every access to the shared memory of a [Segment] that was made
// with it. It is the only place where a scheduler takes control; production
// segments have none and pay one predicted branch an access.
//
// Before is called before the access and may suspend the caller (that is how
// interleavings are made), change the memory (a hostile peer), or panic with a
// private value (a killed process): the access has not happened yet then.
// After is called right after a word access with the value that was loaded,
// stored or left in the word, and, for OpCAS, whether it succeeded.
// A range access that is split calls Before once per piece and never After.
type AccessHook interface {
	Before(s *Segment, off, n uint64, name Name, op Op)
	After(value uint64, ok bool)
}
