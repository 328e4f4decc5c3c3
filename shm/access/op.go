// Package access names what a task does to shared memory and to its host: the operation of an
// access or a call. An operation and a name, such as "fifo.tail store", anchor a trace.
package access

// Op is the kind of an access or a call. It is part of a trace anchor ("fifo.tail store"), so the
// texts of String are API.
type Op uint8

// The operations. Load to Swap act on one word, and Read and Write on a plain range. The rest are not
// memory accesses but calls that a scheduler controls.
const (
	Load Op = iota
	Store
	CAS
	Add
	Swap
	Read  // plain (non-atomic) read of a range
	Write // plain (non-atomic) write of a range
	Lock
	Unlock
	Ring  // doorbell: signal
	Wait  // doorbell, message or timer: wait
	Block // the caller of a wait or lock cannot go on
	Send
	Recv
	Call   // any other system call; the name says which
	Choose // a value drawn by a workload
	Begin  // a task's first step
	End    // a task's last step
	NumOps // the number of operations
)

var opText = [NumOps]string{
	"load", "store", "cas", "add", "swap", "read", "write", "lock", "unlock",
	"ring", "wait", "block", "send", "recv", "call", "choose", "begin", "end",
}

// String returns the word that traces use.
func (o Op) String() string {
	if o < NumOps {
		return opText[o]
	}
	return "?"
}

// Parse is the inverse of [Op.String].
func Parse(text string) (Op, bool) {
	for i, t := range opText {
		if t == text {
			return Op(i), true
		}
	}
	return 0, false
}

// Plain says whether the operation is a non-atomic memory access. A race detector must check those.
func (o Op) Plain() bool { return o == Read || o == Write }
