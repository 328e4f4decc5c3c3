package check

import (
	"bytes"
	"context"
	"errors"
	"testing"
)

// ladder is a model whose states go up by one or by two.
type ladder struct{}

func (ladder) Name() string { return "ladder" }

func (ladder) Actions() []string { return []string{"step", "leap"} }

func (ladder) Init() []uint32 { return []uint32{0} }

func (ladder) Next(s uint32, emit func(int, uint32)) {
	emit(0, s+1)
	emit(1, s+2)
}

func (ladder) Properties() []Property[uint32] { return nil }

// TestTamper loads checkpoints that are sound as files and wrong inside.
func TestTamper(t *testing.T) {
	for name, tamper := range map[string]func(s *Search[uint32]){
		"nothing":          func(*Search[uint32]) {},
		"a state more":     func(s *Search[uint32]) { s.stats.Distinct++ },
		"a state waiting":  func(s *Search[uint32]) { s.stats.Waiting++ },
		"tables exchanged": func(s *Search[uint32]) { s.tables[0], s.tables[1] = s.tables[1], s.tables[0] },
		"table too large":  func(s *Search[uint32]) { s.tables[0].size = 1 << 40 },
		"table too small":  func(s *Search[uint32]) { s.tables[0].size = 1 },
		"table too full":   func(s *Search[uint32]) { s.tables[0].n = 60 },
		"fingerprint twice": func(s *Search[uint32]) {
			fps := s.tables[0].fps
			fps[len(fps)-1] = vacant - 1<<(64-shardBits)*(shardCount-1) - 1
			fps[len(fps)-2] = fps[len(fps)-1]
			s.tables[0].n += 2
			s.stats.Distinct += 2
		},
		"level too wide": func(s *Search[uint32]) { s.cur.n = 1 << 40 },
		"level all done": func(s *Search[uint32]) { s.page = 2 },
	} {
		s, err := New(ladder{}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for range 30 {
			s.Level(context.Background())
		}
		var saved bytes.Buffer
		tamper(s)
		if err := s.Save(&saved); err != nil {
			t.Fatal(err)
		}
		_, err = Load(&saved, ladder{}, Options{})
		if bad := errors.Is(err, ErrCheckpoint); bad != (name != "nothing") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
