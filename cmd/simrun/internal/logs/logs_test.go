package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"
)

// A flood of one kind is cut off and counted, and the other kinds go on.
func TestRate(t *testing.T) {
	var out bytes.Buffer
	l := Open(&out, Options{Burst: 5, Rate: 1e-9})
	log := l.Logger()
	for i := range 1000 {
		log.Warn("hung up", "channel", i)
	}
	log.With("a", 1).WithGroup("g").Info("serving", "b", 2)
	l.Close(time.Minute)
	text := out.String()
	if got := strings.Count(text, "hung up"); got != 6 { // the last one is the report
		t.Errorf("%d lines of the flood\n%s", got, text)
	}
	for _, want := range []string{`kind="WARN hung up" left_out=995`, "msg=serving a=1 g.b=2"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if l.Dropped() != 995 {
		t.Errorf("%d dropped", l.Dropped())
	}
}

// After a pause the next line of a kind says what was left out before it.
func TestRateRefills(t *testing.T) {
	l := Open(io.Discard, Options{Burst: 2, Rate: 2})
	defer l.Close(0)
	now := time.Unix(0, 0)
	for i, want := range []struct {
		after   time.Duration
		ok      bool
		leftOut int
	}{
		{0, true, 0}, {0, true, 0}, {0, false, 0}, {0, false, 0}, {time.Second / 2, true, 2}, {0, false, 0},
		{time.Hour, true, 1}, {0, true, 0}, {0, false, 0}, {-time.Hour, false, 0},
	} {
		now = now.Add(want.after)
		r := slog.NewRecord(now, slog.LevelInfo, "x", 0)
		if ok, leftOut := l.admit(&r); ok != want.ok || leftOut != want.leftOut {
			t.Errorf("%d: %v, %d; want %v, %d", i, ok, leftOut, want.ok, want.leftOut)
		}
	}
}

// The memory for kinds is bounded, whatever is logged.
func TestKindsAreBounded(t *testing.T) {
	l := Open(io.Discard, Options{Burst: 1, Rate: 1e-9})
	defer l.Close(0)
	for i := range 10 * maxKinds {
		l.Logger().Info(fmt.Sprint(i))
	}
	if len(l.kinds) > maxKinds+1 {
		t.Errorf("%d kinds", len(l.kinds))
	}
}

// stuck is a reader that does not read.
type stuck struct{ begun, end chan struct{} }

func (s stuck) Write(p []byte) (int, error) {
	select {
	case s.begun <- struct{}{}:
	default:
	}
	<-s.end
	return len(p), nil
}

// A reader that does not read costs lines, and no call waits for it.
func TestStuckReader(t *testing.T) {
	s := stuck{make(chan struct{}, 1), make(chan struct{})}
	l := Open(s, Options{})
	log := l.Logger()
	log.Info("first")
	<-s.begun
	var logging sync.WaitGroup
	for range 4 {
		logging.Go(func() {
			for range maxQueue {
				log.Info("more")
			}
		})
	}
	logging.Wait()
	if got := l.Dropped(); got != 3*maxQueue {
		t.Errorf("%d dropped", got)
	}
	l.Close(time.Millisecond)
	log.Info("too late")
	if got := l.Dropped(); got != 3*maxQueue+1 {
		t.Errorf("%d dropped", got)
	}
	close(s.end)
	<-l.done
	l.Close(0)
}

// failing fails at first.
type failing struct {
	left int
	bytes.Buffer
}

func (f *failing) Write(p []byte) (int, error) {
	if f.left--; f.left >= 0 {
		return 0, errors.New("broken pipe")
	}
	return f.Buffer.Write(p)
}

// A reader that comes back gets what is written from then on.
func TestReaderComesBack(t *testing.T) {
	f := &failing{left: 3}
	l := Open(f, Options{JSON: true, Level: slog.LevelWarn})
	for i := range 5 {
		l.Logger().Info("quiet")
		l.Logger().Error("loud", "i", i)
	}
	l.Close(time.Minute)
	if l.Dropped() != 3 || strings.Count(f.String(), "\n") != 2 {
		t.Errorf("%d dropped, written:\n%s", l.Dropped(), f)
	}
	var line struct {
		Msg string
		I   int
	}
	if err := json.NewDecoder(f).Decode(&line); err != nil || line.Msg != "loud" || line.I != 3 {
		t.Error(line, err)
	}
}
