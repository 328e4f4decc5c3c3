package core

import (
	"slices"

	"cutthrough/impl/wire"
	"cutthrough/sim/scenario"
)

// fuzzDraw draws the operations of core-fuzz.
type fuzzDraw struct {
	src     scenario.Source
	strange bool // draw other namespaces, scopes, endpoints and sizes than the usual ones
}

// fuzzDeck is what is drawn; frequent operations occur several times.
var fuzzDeck = slices.Concat(
	slices.Repeat(deck{fuzzDraw.connect}, 3),
	slices.Repeat(deck{just(serve{})}, 2),
	slices.Repeat(deck{func(d fuzzDraw) any { return answer{d.src.Intn(4, "answer")} }}, 4),
	slices.Repeat(deck{something(closeMessage)}, 2),
	slices.Repeat(deck{something(shutMessage)}, 3),
	deck{something(resetMessage)},
	slices.Repeat(deck{something(confirmMessage)}, 2),
	deck{something(rejectMessage), something(acceptMessage)},
	slices.Repeat(deck{func(d fuzzDraw) any { return wait{[...]int{1, 0, 11, 301, 3600}[d.src.Intn(5, "seconds")]} }}, 2),
	slices.Repeat(deck{just(work{})}, 3),
	deck{
		func(d fuzzDraw) any { return created{d.src.Intn(2, "created")} },
		fuzzDraw.bind, something(unbindMessage), func(d fuzzDraw) any { return forget{d.endpoint("forget")} },
		something(unmappedMessage), something(unmappableMessage), just(die{}), just(detach{}), fuzzDraw.attach, just(babble{}),
	},
)

type deck []func(fuzzDraw) any

// just returns a card of an operation without arguments, something one about an object.
func just(o any) func(fuzzDraw) any { return func(fuzzDraw) any { return o } }

func something(m wire.Message) func(fuzzDraw) any {
	return func(d fuzzDraw) any { return about{m, max(0, d.src.Intn(maxNewest+3, "which")-2)} }
}

func (d fuzzDraw) attach() any {
	return attach{d.mostly(0, len(fuzzNamespaces)+1, "attach"), d.mostly(0, 2, "attach"), d.mostly(3, 4, "attach")}
}

func (d fuzzDraw) bind() any { return bind{d.endpoint("bind"), d.mostly(0, 3, "bind")} }

func (d fuzzDraw) connect() any {
	return connect{d.endpoint("connect"), d.mostly(0, 3, "connect"), d.mostly(0, len(fuzzSizes), "connect")}
}

// endpoint draws an endpoint: one of two ports, or if strange any.
func (d fuzzDraw) endpoint(label string) int {
	if !d.strange {
		return [...]int{0, 0, 0, 8}[d.src.Intn(4, "port")]
	}
	return d.mostly(0, len(fuzzEndpoints), label)
}

// mostly returns the usual value, or if strange any number below n, too.
func (d fuzzDraw) mostly(usual, n int, label string) int {
	if !d.strange || d.src.Intn(3, "usual") == 0 {
		return usual
	}
	return d.src.Intn(n, label)
}

func genCoreFuzz(src scenario.Source) scenario.Input {
	b := &scenario.Builder{Src: src, Verbs: fuzzVerbs}
	b.Number("fifo", 1000, 1, 20000)
	b.Word("linger", "0", "1s")
	b.Word("created", "now", "later")
	b.Word("quotas", "ample", "tight", "bytes", "users", "pairs")
	b.Number("users", 1, 2)
	d := fuzzDraw{src, src.Intn(3, "strange") == 2}
	for _, app := range fuzzApps {
		b.Op(app, d.attach())
	}
	b.Op("a", d.bind())
	for range 1 + src.Intn(12, "scenes") {
		app := fuzzApps[src.Intn(len(fuzzApps), "app")]
		if src.Intn(4, "begins") == 0 {
			b.Op(app, d.connect())
			if src.Intn(3, "served") > 0 {
				b.Op("all", serve{})
			}
			app = fuzzApps[src.Intn(len(fuzzApps), "app")]
		}
		for range 1 + src.Intn(3, "steps") {
			proc, o := app, fuzzDeck[src.Intn(len(fuzzDeck), "verb")](d)
			if _, world := o.(worldOp); world {
				proc = "all"
			}
			b.Op(proc, o)
			if src.Intn(4, "again") == 3 {
				b.Op(proc, o)
			}
		}
	}
	return b.Input
}
