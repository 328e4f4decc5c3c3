package evq_test

import (
	"fmt"
	"log"

	"cutthrough/shm"
	"cutthrough/shm/evq"
)

// Two producers post events to one consumer. In production each is in a process of its own.
func Example() {
	const at, slots = 64, 4
	seg, err := shm.NewHeapSegment(shm.MinSegment)
	if err != nil {
		log.Fatal(err)
	}
	if err := evq.Init(seg, at, slots); err != nil {
		log.Fatal(err)
	}
	c, err := evq.OpenConsumer(seg, at)
	if err != nil {
		log.Fatal(err)
	}
	for id := range 2 {
		p, err := evq.OpenProducer(seg, at, id)
		if err != nil {
			log.Fatal(err)
		}
		for arg := range uint32(3) {
			err := p.Post(evq.Event{Kind: uint8(1 + id), Arg: arg})
			if err == evq.ErrFull {
				fmt.Println("producer", id, "has no room for event", arg)
				break
			}
			if err != nil {
				log.Fatal(err)
			}
		}
	}
	for {
		ev, ok, err := c.Poll()
		if err != nil {
			log.Fatal(err)
		}
		if !ok {
			break
		}
		fmt.Printf("%+v\n", ev)
	}
	// Output:
	// producer 1 has no room for event 1
	// {Kind:1 Arg:0}
	// {Kind:1 Arg:1}
	// {Kind:1 Arg:2}
	// {Kind:2 Arg:0}
}
