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
	t := a.current
	missing := slices.DeleteFunc(slices.Clone(a.listeners), func(l *Listener) bool { return l.at == t })
	a.mu.Unlock()
	var errs []error
	for _, l := range missing {
		errs = append(errs, t.bindAgain(l))
	}
	if gone {
		a.mu.Lock()
		t.announceLocked()
		a.mu.Unlock()
	}
	return errors.Join(errs...)
}

func (a *attachment) bindAgain(l *Listener) error {
	err := a.bind(patient(context.Background()), l)
	if err != nil {
		a.app.mu.Lock()
		defer a.app.mu.Unlock()
		a.observe(Observation{Kind: ObserveNotBound, Err: err, Msg: wire.Message{Type: wire.Bind, Endpoint: l.addr.Endpoint}})
	}
	return err
}
