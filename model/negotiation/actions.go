package negotiation

// The actions. Those of applications are numbered by application.
const (
	actTake = iota * maxApps // the layer takes a message of it
	actHear                  // it takes a message of the layer
	actConnect
	actClose
	actConfirm
	actHalfClose
	actOffend
	actAttach
	actDetach
	actDie
	actNotice // that the layer has died
	actReturn // to the next layer
	actSee    // in the memory of a session that the peer is done
	actUnbind
)

const (
	actAcceptLate = actUnbind + 1 + iota
	actConnectTimeout
	actCloseTimeout
	actLingerOver
	actFall  // the layer dies
	actDoubt // the server gives up a session that its client does not know
	numActions
)

var actNames = [...]string{"", "hears", "connects", "closes", "confirms", "half-closes", "offends",
	"comes back", "detaches", "dies", "notices the death", "returns", "sees the end"}

var appNames = [maxApps]string{"server", "client1", "client2"}

// action returns the name of an action, or nothing if this configuration has none such.
func (m *Model) action(n int) string {
	named := func(has bool, name string) string {
		if !has {
			return ""
		}
		return name
	}
	switch n {
	case actUnbind:
		return named(m.Unbind, "server unbinds")
	case actAcceptLate:
		return named(m.Silent, "server accepts late")
	case actConnectTimeout:
		return named(m.Timeouts, "connect timeout")
	case actCloseTimeout:
		return named(m.Timeouts, "close timeout")
	case actLingerOver:
		return named(m.Linger, "linger over")
	case actFall:
		return named(m.Restart, "layer dies")
	case actDoubt:
		return named(m.Restart, "server doubts")
	}
	kind, a := n-n%maxApps, n%maxApps
	has := a < m.apps
	switch kind {
	case actTake:
		return named(has, "layer takes from "+appNames[a])
	case actConnect:
		has = has && a > 0
	case actHalfClose:
		has = has && m.Half
	case actOffend:
		has = has && m.Rude > 0
	case actAttach, actDetach:
		has = has && m.Detaches > 0
	case actDie:
		has = has && m.Deaths > 0
	case actNotice, actReturn, actSee:
		has = has && m.Restart
	}
	return named(has, appNames[a]+" "+actNames[kind/maxApps])
}

// Actions implements [check.Model].
func (m *Model) Actions() []string { return m.names }

// emit emits a step, unless a message did not fit: then the process that would have taken the
// step has to wait.
func (m *Model) emit(s State, action int, emit func(int, State)) {
	if !s.full {
		emit(m.numbers[action], s)
	}
}
