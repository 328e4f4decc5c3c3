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

// put is the operation of a workload: the writer sends a letter. The reader takes as many.
type put struct{ letter int }

var verbs = scenario.Verbs{scenario.VerbOf("put", []string{"writer"}, put{},
	scenario.Number("letter", 0, 1000, func(p *put) *int { return &p.letter }))}

// Scenario returns the mailbox as something to explore.
func Scenario() *scenario.Scenario {
	return &scenario.Scenario{
		Name: "mailbox",
		Doc:  "a writer and a reader hand over letters and sleep in between",
		Long: `The writer sends one to three letters. Checked: they arrive in order and unchanged, no side sleeps for
ever, and the bytes of a letter are never read and written at the same time. Not checked: a side that dies.`,
		Verbs:     verbs,
		Generate:  generate,
		Compile:   compile,
		Sometimes: []string{"received"},
	}
}

func generate(src scenario.Source) scenario.Input {
	b := scenario.Builder{Src: src, Verbs: verbs}
	for range 1 + src.Intn(3, "letters") {
		b.Op("writer", put{src.Intn(100, "letter")})
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
		Setup:  func(w *sim.World) { setup(w, scenario.OpsOf[put](ops, "writer")) },
	}, err
}

// setup makes the two processes and their tasks. A sim.Process is a shm.Host: in production there is one of package oshost in
// its place.
func setup(w *sim.World, puts []put) {
	reader, writer := w.Process("reader"), w.Process("writer")
	seg, err := reader.CreateSegment(shm.MinSegment)
	scenario.Must(err)
	readerBell := reader.NewLocalDoorbell(nameReaderBell)
	writerBell := writer.NewLocalDoorbell(nameWriterBell)

	in := Reader(seg, readerBell, reader.OpenBell(writerBell, nameWriterBell))
	reader.Go("reader", func() {
		for _, want := range puts {
			got, err := in.Get()
			if err != nil || got != uint64(want.letter) {
				w.Fail("InOrder", "received letter %d, %v; want %d", got, err, want.letter)
			}
			w.Sometimes("received")
		}
	})
	out := Writer(writer.View(seg), writerBell, writer.OpenBell(readerBell, nameReaderBell))
	writer.Go("writer", func() {
		for _, p := range puts {
			if err := out.Put(uint64(p.letter)); err != nil {
				w.Fail("InOrder", "put: %v", err)
			}
		}
	})
}
