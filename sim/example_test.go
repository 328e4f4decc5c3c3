package sim_test

import (
	"fmt"

	"cutthrough/shm"
	"cutthrough/sim"
)

var (
	nameFull  = shm.NewName("mailbox.full")
	nameValue = shm.NewName("mailbox.value")
	nameBell  = shm.NewName("mailbox.bell")
)

// Somebody's protocol: a mailbox for one value. The reader looks, and if the
// mailbox is empty says that it sleeps and sleeps. It has a bug.
func Example() {
	setup := func(w *sim.World) {
		reader, writer := w.Process("reader"), w.Process("writer")
		seg, _ := reader.CreateSegment(shm.MinSegment)
		bell, _ := reader.NewDoorbell(nameBell)
		full, asleep, value := seg.Uint32(64, nameFull), seg.Uint32(68, shm.NewName("mailbox.asleep")), seg.Range(128, 8, nameValue)
		reader.Go("reader", func() {
			for full.Load() == 0 {
				asleep.Store(1)
				_ = bell.Wait(func() bool { return full.Load() == 1 }, shm.Forever)
			}
			value.CopyOut(make([]byte, 8), 0)
		})
		mine := writer.View(seg)
		full2, asleep2, value2 := mine.Uint32(64, nameFull), mine.Uint32(68, shm.NewName("mailbox.asleep")), mine.Range(128, 8, nameValue)
		bell2 := writer.OpenBell(bell, nameBell)
		writer.Go("writer", func() {
			value2.CopyIn(0, []byte("contents"))
			full2.Store(1)
			if asleep2.Load() == 1 {
				_ = bell2.Ring()
			}
		})
	}
	report, err := sim.Explore(&sim.Test{
		Name:     "mailbox",
		Generate: func(sim.Source) sim.Case { return sim.Case{} },
		Compile: func(sim.Case) (sim.Program, error) {
			return sim.Program{Config: sim.Config{Races: true}, Setup: setup}, nil
		},
	}, sim.Options{Strategies: []sim.Strategy{sim.NewDFS(2)}})
	fmt.Println(err, report.Found.Failure)
	for _, intervention := range report.Found.Schedule {
		fmt.Println(intervention)
	}
	// Output:
	// <nil> NoLostWakeup: reader waits for ever at mailbox.bell block although what it waits for holds
	// reader @ mailbox.asleep store #1 -> writer
}
