package sim_test

import (
	"fmt"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/explore"
	"cutthrough/sim/scenario"
)

var (
	nameFull  = shm.NewName("mailbox.full")
	nameValue = shm.NewName("mailbox.value")
	nameBell  = shm.NewName("mailbox.bell")
)

// A protocol: a mailbox for one value. The reader looks, and if the
// mailbox is empty says that it sleeps and sleeps. It has a bug.
func Example() {
	setup := func(w *sim.World) {
		reader, writer := w.Process("reader"), w.Process("writer")
		seg, _ := reader.CreateSegment(shm.MinSegment)
		bell := reader.NewLocalDoorbell(nameBell)
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
	report, err := explore.Explore(&scenario.Scenario{
		Name:     "mailbox",
		Generate: func(scenario.Source) scenario.Input { return scenario.Input{} },
		Compile: func(scenario.Input) (scenario.Program, error) {
			return scenario.Program{Config: sim.Config{Races: true}, Setup: setup}, nil
		},
	}, explore.Options{Strategies: []explore.Strategy{explore.NewDFS(2)}})
	fmt.Println(err, report.Violation.Failure)
	for _, intervention := range report.Violation.Schedule {
		fmt.Println(intervention)
	}
	// Output:
	// <nil> NoLostWakeup: reader waits for ever at mailbox.bell block although what it waits for holds
	// reader @ mailbox.asleep store #1 -> writer
}
