package fifo_test

import (
	"fmt"
	"log"

	"cutthrough/shm"
	"cutthrough/shm/fifo"
	"cutthrough/shm/oshost"
)

// Two sides of a fifo move bytes without waiting. In production each side is in its own process and
// opens the fifo in its own mapping of the segment.
func Example() {
	const at, capacity = 64, 1000
	seg, err := shm.NewHeapSegment(max(shm.MinSegment, at+fifo.Size(capacity)))
	if err != nil {
		log.Fatal(err)
	}
	if err := fifo.Init(seg, at, capacity, 0); err != nil {
		log.Fatal(err)
	}
	p, err := fifo.OpenProducer(seg, at)
	if err != nil {
		log.Fatal(err)
	}
	c, err := fifo.OpenConsumer(seg, at)
	if err != nil {
		log.Fatal(err)
	}

	// The consumer finds the fifo empty and prepares to sleep on its doorbell.
	ready, err := c.ArmEvent()
	fmt.Println("bytes before sleeping:", ready, err)

	// The producer stages bytes, publishes them, and learns that it must ring.
	n, err := p.Enqueue([]byte("hello, world"))
	fmt.Println("enqueued:", n, err)
	fmt.Println("ring the consumer:", p.NeedsEvent())

	buf := make([]byte, 5)
	n, err = c.Dequeue(buf)
	fmt.Printf("dequeued: %q %v\n", buf[:n], err)
	left, err := c.Readable()
	fmt.Println("left:", left, err)
	// Output:
	// bytes before sleeping: false <nil>
	// enqueued: 12 <nil>
	// ring the consumer: true
	// dequeued: "hello" <nil>
	// left: 7 <nil>
}

// A Writer and a Reader sleep on doorbells while the fifo is full or empty. Here both are tasks of
// one process; [shm.Host.NewDoorbell] makes doorbells that another process can ring.
func ExampleWriter() {
	const at, capacity = 64, 4 // smaller than the message: both sides have to wait
	seg, err := shm.NewHeapSegment(shm.MinSegment)
	if err != nil {
		log.Fatal(err)
	}
	if err := fifo.Init(seg, at, capacity, 0); err != nil {
		log.Fatal(err)
	}
	h := oshost.New()
	writes, reads := h.NewLocalDoorbell(nameWrites), h.NewLocalDoorbell(nameReads)
	h.Go("writer", func() {
		p, err := fifo.OpenProducer(seg, at)
		if err != nil {
			log.Fatal(err)
		}
		w := fifo.Writer{Fifo: p, Peer: reads, Bell: writes, Now: h.Now}
		if _, err := w.Write([]byte("hello, world"), shm.Forever); err != nil {
			log.Fatal(err)
		}
	})
	c, err := fifo.OpenConsumer(seg, at)
	if err != nil {
		log.Fatal(err)
	}
	r := fifo.Reader{Fifo: c, Peer: writes, Bell: reads, Now: h.Now}
	var got []byte
	for buf := make([]byte, 100); len(got) < len("hello, world"); {
		n, err := r.Read(buf, shm.Forever)
		if err != nil {
			log.Fatal(err)
		}
		got = append(got, buf[:n]...)
	}
	fmt.Printf("%s\n", got)
	// Output: hello, world
}

var (
	nameWrites = shm.NewName("example.writes")
	nameReads  = shm.NewName("example.reads")
)
