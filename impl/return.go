package impl

import (
	"context"
	"errors"
	"slices"
	"time"

	"cutthrough/impl/wire"
)

// The pauses between two tries to attach again double from the first to the last.
const (
	firstPause = 10 * time.Millisecond
	lastPause  = time.Second
)

// returnLocked has a task attach again, if the session layer has ended and none does so.
func (a *App) returnLocked() {
	if a.attaching || a.closed || a.opt.NoReturn || !a.current.hungUp {
		return
	}
	a.attaching = true
	a.spawnLocked("app-return", a.runReturn)
}

// runReturn attaches, and binds the listeners, until it has succeeded or the application closes.
func (a *App) runReturn() {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := a.comeBack()
		a.mu.Lock()
		a.attaching = !a.closed && (err != nil || a.current.hungUp)
		again := a.attaching
		a.mu.Unlock()
		if !again {
			return
		}
		_ = a.again.Wait(nil, a.host.Now()+pause)
	}
}

// comeBack attaches, unless an earlier try did, and binds the listeners that are bound nowhere.
func (a *App) comeBack() error {
	a.mu.Lock()
	gone := a.current.err != nil
	a.mu.Unlock()
	if gone {
		if err := a.attach(context.Background()); err != nil {
			return err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.current
	var errs []error
	for _, l := range slices.Clone(a.listeners) {
		if l.at == t || l.closed {
			continue
		}
		a.mu.Unlock()
		err := a.bind(context.Background(), l)
		a.mu.Lock()
		if err != nil {
			t.observe(Observation{Kind: ObserveNotBound, Err: err, Msg: wire.Message{Type: wire.Bind, Endpoint: l.addr.Endpoint}})
		}
		errs = append(errs, err)
	}
	if gone {
		t.announceLocked()
	}
	return errors.Join(errs...)
}
