package mailbox

import (
	"errors"

	"cutthrough/shm"
	"cutthrough/sim"
	"cutthrough/sim/scenario"
)

// The bells of the two processes.
var (
	nameReaderBell = shm.NewName("bell.reader")
	nameWriterBell = shm.NewName("bell.writer")
)

// verbs are the operations of a workload: the letters that the writer sends. The reader takes as many.
var verbs = []scenario.Verb{{Name: "put", Procs: []string{"writer"}, Args: [][2]int{{0, 1000}}}}

// Scenario returns the mailbox as something to explore.
func Scenario() *scenario.Scenario {
	return &scenario.Scenario{
		Name: "mailbox",
		Doc:  "a writer and a reader hand over letters and sleep in between",
		Long: `The writer sends one to three letters. Checked: they arrive in order and unchanged, no side sleeps for
ever, and the bytes of a letter are never read and written at the same time. Not checked: a side that dies.`,
		Generate:  generate,
		Compile:   compile,
		Sometimes: []string{"received"},
	}
}

func generate(src scenario.Source) scenario.Input {
	b := scenario.Builder{Src: src}
	for range 1 + src.Intn(3, "letters") {
		b.Op("writer", "put", src.Intn(100, "letter"))
	}
	return b.Input
}

func compile(in scenario.Input) (scenario.Program, error) {
	_, ops, err := scenario.ReadInput(in, nil, verbs)
	if err == nil && len(ops) == 0 {
		err = errors.New("no letter")
	}
	return scenario.Program{
		Config: sim.Config{Races: true},
		Setup:  func(w *sim.World) { setup(w, ops) },
	}, err
}

// setup makes the two processes and their tasks. A sim.Process is a shm.Host: in production there is one of package oshost in
// its place.
func setup(w *sim.World, letters []scenario.Op) {
	reader, writer := w.Process("reader"), w.Process("writer")
	seg, err := reader.CreateSegment(shm.MinSegment)
	scenario.Must(err)
	readerBell := reader.NewLocalDoorbell(nameReaderBell)
	writerBell := writer.NewLocalDoorbell(nameWriterBell)

	in := Reader(seg, readerBell, reader.OpenBell(writerBell, nameWriterBell))
	reader.Go("reader", func() {
		for _, want := range letters {
			got, err := in.Get()
			if err != nil || got != uint64(want.Args[0]) {
				w.Fail("InOrder", "received letter %d, %v; want %d", got, err, want.Args[0])
			}
			w.Sometimes("received")
		}
	})
	out := Writer(writer.View(seg), writerBell, writer.OpenBell(readerBell, nameReaderBell))
	writer.Go("writer", func() {
		for _, letter := range letters {
			if err := out.Put(uint64(letter.Args[0])); err != nil {
				w.Fail("InOrder", "put: %v", err)
			}
		}
	})
}
