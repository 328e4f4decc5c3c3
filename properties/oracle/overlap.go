package oracle

import (
	"fmt"
	"math"

	"cutthrough/model"
	"cutthrough/sim/exec"
	"cutthrough/sim/lin"
)

// CheckRanges returns an error unless the operations of [model.RangeIn] in h are a history of an allocator of disjoint
// ranges, as checker decides. The error names the two live ranges that overlap, if that is the cause: owner
// describes the owner of the k-th range of the history, from 0 in the order of the calls.
func CheckRanges(h []exec.Operation, checker *lin.Checker, owner func(k int, o exec.Operation) string) error {
	h = lin.HistoryOf[model.RangeIn](h)
	err := checker.Check(h, 0).Err()
	if err == nil {
		return nil
	}
	var live []liveRange
	for _, o := range h {
		if o.Input.(model.RangeIn).Op != model.Alloc {
			continue
		}
		owner := owner(len(live), o)
		if out, _ := o.Output.(model.RangeOut); !o.Pending && out.Status == model.OK {
			live = append(live, liveRange{owner, out.Off, out.Off + out.Len, o.Return, firstFree(h, out.Off, o.Return)})
		} else {
			live = append(live, liveRange{owner: owner}) // of no bytes
		}
	}
	for i, b := range live {
		for _, a := range live[:i] {
			if a.overlaps(b) {
				return fmt.Errorf("%v overlaps %v while both are live", b, a)
			}
		}
	}
	return err
}

// liveRange is the range [base, end) of an owner from time from to time to.
type liveRange struct {
	owner     string
	base, end uint64
	from, to  int64
}

func (r liveRange) overlaps(o liveRange) bool {
	return r.base < o.end && o.base < r.end && r.from < o.to && o.from < r.to
}

// String returns "[0x1000, 0x1200), 512 bytes of OWNER,".
func (r liveRange) String() string {
	return fmt.Sprintf("[%#x, %#x), %d bytes of %s,", r.base, r.end, r.end-r.base, r.owner)
}

// firstFree returns when the first free of a range at base was called after a time, or never.
func firstFree(h []exec.Operation, base uint64, after int64) int64 {
	at := int64(math.MaxInt64)
	for _, o := range h {
		in := o.Input.(model.RangeIn)
		if in.Op == model.Free && in.Off == base && o.Call > after {
			at = min(at, o.Call)
		}
	}
	return at
}
