package lin

import "cutthrough/model"

// Directory returns the checker of the session layer's directory: operations
// of [model.DirIn] and [model.DirOut] by concurrent applications, some of which
// crash. Ports are independent, so the history is searched port by port.
func Directory() *Checker {
	return NewPartitioned(model.Directory{}, func(in model.DirIn) int { return in.Port })
}
