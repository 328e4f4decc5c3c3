// Package logs is a structured log that neither its writers nor its reader can harm.
//
// Lines of one kind (one level and one message) are limited in rate, so that a peer that causes a line with
// each of its connections cannot fill a disk. A line that was let through says how many of its kind were left out
// before it; what is left out at the end is said by a line of its own.
//
// A line is handed to a task that writes, and never waited for: a reader that does not read, that is gone, or
// whose disk is full costs lines, which are counted, and not the program.
package logs

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxQueue    = 1024             // lines that wait to be written
	maxKinds    = 256              // kinds with a rate of their own; the others share one
	reportEvery = 10 * time.Second // how often lines that were left out are reported, at least
)

// Options say which lines are written, and how.
type Options struct {
	Level slog.Level // and above
	JSON  bool       // one JSON object a line, in the place of text
	Rate  float64    // lines a second of each kind, in the long run
	Burst int        // lines of each kind that may come at once; 0 means no limit of the rate
}

// Log writes a log. Safe for concurrent use.
type Log struct {
	inner slog.Handler // formats, and puts the line in the queue
	opt   Options
	queue chan []byte
	done  chan struct{} // closed when the writing task has ended

	lost    atomic.Uint64 // lines that could not be queued or written
	leftOut atomic.Uint64 // lines above the rate

	mu     sync.Mutex
	closed bool
	kinds  map[string]*kind
}

// kind is what is known of the lines of one kind: a token bucket, and how many were left out since the last one.
type kind struct {
	tokens  float64
	at      time.Time
	leftOut int
}

// Open returns a log to w. Call Close.
func Open(w io.Writer, opt Options) *Log {
	l := &Log{opt: opt, queue: make(chan []byte, maxQueue), done: make(chan struct{}), kinds: map[string]*kind{}}
	options := &slog.HandlerOptions{Level: opt.Level}
	l.inner = slog.NewTextHandler(enqueuer{l}, options)
	if opt.JSON {
		l.inner = slog.NewJSONHandler(enqueuer{l}, options)
	}
	go l.write(w)
	return l
}

// Logger returns what writes to the log.
func (l *Log) Logger() *slog.Logger { return slog.New(handler{l.inner, l}) }

// Dropped returns how many lines were not written, for whatever reason.
func (l *Log) Dropped() uint64 { return l.lost.Load() + l.leftOut.Load() }

// Close reports what was left out and waits until all lines are written, but no longer than patience. Lines that come later
// are dropped.
func (l *Log) Close(patience time.Duration) {
	l.report()
	l.mu.Lock()
	closed := l.closed
	l.closed = true
	l.mu.Unlock()
	if closed {
		return
	}
	close(l.queue)
	select {
	case <-l.done:
	case <-time.After(patience):
	}
}

// write writes the lines, and reports what is left out.
func (l *Log) write(w io.Writer) {
	defer close(l.done)
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		select {
		case line, ok := <-l.queue:
			if !ok {
				return
			}
			if _, err := w.Write(line); err != nil {
				l.lost.Add(1) // the reader may come back
			}
		case <-tick.C:
			l.report()
		}
	}
}

// report writes a line about each kind of which lines were left out since the last one.
func (l *Log) report() {
	l.mu.Lock()
	left := map[string]int{}
	for name, k := range l.kinds {
		if k.leftOut > 0 {
			left[name], k.leftOut = k.leftOut, 0
		}
	}
	l.mu.Unlock()
	names := make([]string, 0, len(left))
	for name := range left {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		r := slog.NewRecord(time.Now(), slog.LevelWarn, "log lines left out", 0)
		r.AddAttrs(slog.String("kind", name), slog.Int("left_out", left[name]))
		_ = l.inner.Handle(context.Background(), r) // an enqueuer has no errors
	}
}

// admit says whether a line may be written, and how many of its kind were left out before it.
func (l *Log) admit(r *slog.Record) (ok bool, leftOut int) {
	if l.opt.Burst == 0 {
		return true, 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	name := r.Level.String() + " " + r.Message
	k := l.kinds[name]
	if k == nil && len(l.kinds) >= maxKinds {
		name = "other"
		k = l.kinds[name]
	}
	if k == nil {
		k = &kind{tokens: float64(l.opt.Burst), at: r.Time}
		l.kinds[name] = k
	}
	if elapsed := r.Time.Sub(k.at); elapsed > 0 {
		k.tokens = min(float64(l.opt.Burst), k.tokens+l.opt.Rate*elapsed.Seconds())
		k.at = r.Time
	}
	if k.tokens < 1 {
		k.leftOut++
		l.leftOut.Add(1)
		return false, 0
	}
	k.tokens--
	leftOut, k.leftOut = k.leftOut, 0
	return true, leftOut
}

// enqueuer is the writer of the handler that formats: it gets each line in one call.
type enqueuer struct{ l *Log }

// Write implements [io.Writer]. It never waits and has no errors.
func (e enqueuer) Write(line []byte) (int, error) {
	e.l.mu.Lock()
	defer e.l.mu.Unlock()
	queued := false
	if !e.l.closed {
		select {
		case e.l.queue <- slices.Clone(line):
			queued = true
		default:
		}
	}
	if !queued {
		e.l.lost.Add(1)
	}
	return len(line), nil
}

// handler lets through what its log admits.
type handler struct {
	slog.Handler
	l *Log
}

// Handle implements [slog.Handler].
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	ok, leftOut := h.l.admit(&r)
	if !ok {
		return nil
	}
	if leftOut > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("left_out", leftOut))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements [slog.Handler].
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs), h.l}
}

// WithGroup implements [slog.Handler].
func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name), h.l} }
