package impl

import (
	"fmt"
	"slices"
	"testing"

	"cutthrough/shm"
	"cutthrough/shm/evq"
	"cutthrough/shm/oshost"
)

// BenchmarkSleepWithPairs is the time in which a leader takes one event and prepares to sleep again, in an
// application that shares a pair with so many others and has calls that wait for one of them or for all.
func BenchmarkSleepWithPairs(b *testing.B) {
	const slots = 64
	for _, pairs := range []int{1, 100, 1000} {
		for _, waiting := range slices.Compact([]int{1, pairs}) {
			b.Run(fmt.Sprintf("pairs=%d/waiting=%d", pairs, waiting), func(b *testing.B) {
				seg, err := oshost.New().CreateSegment(max(shm.MinSegment, shm.SegmentHeader+uint64(pairs)*evq.Size(slots)))
				if err != nil {
					b.Fatal(err)
				}
				defer func() { check(b, seg.Close()) }()
				a := &App{}
				var peers []*evq.Producer
				for i := range pairs {
					off := shm.SegmentHeader + uint64(i)*evq.Size(slots)
					check(b, evq.Init(seg, off, slots))
					p, err := evq.OpenProducer(seg, off, 0)
					check(b, err)
					c, err := evq.OpenConsumer(seg, off)
					check(b, err)
					in := &inbox{queue: c}
					a.inboxes, peers = append(a.inboxes, in), append(peers, p)
					if i < waiting {
						a.watchLocked(in)
					}
				}
				a.armQueuesLocked()
				for i := 0; b.Loop(); i++ {
					check(b, peers[i%waiting].Post(evq.Event{Kind: evData}))
					a.takeEventsLocked()
					if a.armQueuesLocked() {
						b.Fatal("an event is left")
					}
				}
			})
		}
	}
}
