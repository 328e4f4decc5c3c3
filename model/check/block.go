package check

import (
	"math/bits"
	"slices"
)

// roundBlocks is how many pages are expanded between two decisions to go on.
const roundBlocks = 16

// A rules is what a search asks of a model, in the form that is cheap to ask.
type rules[S comparable] struct {
	model     Model[S]
	actions   []string
	props     []Property[S]
	canonical func(S) S    // nil: states represent themselves
	within    func(S) bool // nil: no boundary
	closed    bool
	seed      uint64
	fairness  *fairness

	states, steps, stuck []int // properties to check on states, on steps, and on states without a step
}

// A hit is where a property was decided: a state by its place in its level, or a
// step by the place of the state it begins in and its number among the steps
// from there.
type hit struct {
	at   int64 // -1: nowhere
	step int32 // -1: the state
}

var nowhere = hit{at: -1, step: -1}

// A block is the work on one page of states. Its buffers are used again and
// again.
type block[S comparable] struct {
	rules *rules[S]
	in    page[S]
	base  int64 // place of the first of in, in its level
	first int64 // place that the first new state of the block gets, in the next level

	out    []S      // successors in the order of emission, representatives if symmetric
	ends   []uint32 // for each of in, how much of out there is when it is done
	probes [shardCount][]probe
	mark   []uint64 // which of out are new
	kept   packer[S]

	taken   []uint64 // by action
	cut     uint64
	hits    []hit // by property
	emit    func(action int, t S)
	twice   int64 // Next is called twice for one of so many states
	unequal *S    // a state for which the two calls differed
	current S     // the state being expanded
	place   int64 // its place
	enabled int   // how many steps it has
}

func newBlock[S comparable](r *rules[S]) *block[S] {
	b := &block[S]{rules: r, taken: make([]uint64, len(r.actions)), hits: make([]hit, len(r.props))}
	b.emit = b.add
	return b
}

// clear makes the block ready for another page.
func (b *block[S]) clear(in page[S], base int64) {
	b.in, b.base = in, base
	b.out, b.ends = b.out[:0], b.ends[:0]
	for i := range b.probes {
		b.probes[i] = b.probes[i][:0]
	}
	clear(b.taken)
	b.cut, b.unequal = 0, nil
	for i := range b.hits {
		b.hits[i] = nowhere
	}
}

// expand finds the successors of all states of the block.
func (b *block[S]) expand() {
	b.place = b.base
	for s := range b.in.all {
		b.current, b.enabled = s, 0
		b.rules.model.Next(s, b.emit)
		if b.enabled == 0 {
			for _, p := range b.rules.stuck {
				if terminal := b.rules.props[p].state; terminal == nil || !terminal(s) {
					b.hit(p, hit{b.place, -1})
				}
			}
		}
		b.ends = append(b.ends, uint32(len(b.out)))
		if b.twice > 0 && b.place%b.twice == 0 && b.unequal == nil && !slices.Equal(b.rules.moves(s), b.rules.moves(s)) {
			b.unequal = new(S)
			*b.unequal = s // a copy: the address of s itself would put every state on the heap
		}
		b.place++
	}
	b.sort()
}

// add takes one step from the current state.
func (b *block[S]) add(action int, t S) {
	r := b.rules
	if r.within != nil && !r.within(t) {
		b.cut++
		if !r.closed {
			b.enabled++
		}
		return
	}
	b.enabled++
	b.taken[action]++
	at := len(b.out)
	b.out = append(b.out, t)
	for _, p := range r.steps {
		if !r.props[p].step(&b.current, action, &b.out[at]) {
			done := 0
			if n := len(b.ends); n > 0 {
				done = int(b.ends[n-1])
			}
			b.hit(p, hit{b.place, int32(at - done)})
		}
	}
	b.represent(at)
}

// push appends a state to the successors.
func (b *block[S]) push(t S) {
	b.out = append(b.out, t)
	b.represent(len(b.out) - 1)
}

// represent puts in place of a successor the one that stands for it.
func (b *block[S]) represent(i int) {
	if b.rules.canonical != nil {
		b.out[i] = b.rules.canonical(b.out[i])
	}
}

// sort makes a probe of every successor. That is done for many at a time since a
// processor then works on several fingerprints at once.
func (b *block[S]) sort() {
	seed := b.rules.seed
	for i := range b.out {
		fp := fingerprint(&b.out[i], seed)
		shard := &b.probes[shardOf(fp)]
		*shard = append(*shard, probe{fp, uint32(i)})
	}
}

// hit records the first place where a property was decided.
func (b *block[S]) hit(property int, h hit) {
	if b.hits[property].at < 0 {
		b.hits[property] = h
	}
}

// fresh returns how many new states the block has, once its probes have been
// reduced to those.
func (b *block[S]) fresh() int {
	n := 0
	for i := range b.probes {
		n += len(b.probes[i])
	}
	return n
}

// keep packs the new states, in order, for their places in the next level, checks
// them, and if it is given links writes down where they come from.
func (b *block[S]) keep(links []link) {
	words := (len(b.out) + 63) / 64
	b.mark = slices.Grow(b.mark[:0], words)[:words]
	clear(b.mark)
	for i := range b.probes {
		for _, p := range b.probes[i] {
			b.mark[p.at/64] |= 1 << (p.at % 64)
		}
	}
	b.kept.begin(b.first)
	place, parent := b.first, 0
	for w, word := range b.mark {
		for ; word != 0; word &= word - 1 {
			i := w*64 + bits.TrailingZeros64(word)
			b.kept.add(&b.out[i])
			b.check(b.out[i], place)
			if links != nil {
				for int(b.ends[parent]) <= i {
					parent++
				}
				begin := 0
				if parent > 0 {
					begin = int(b.ends[parent-1])
				}
				links[place] = link{uint32(b.base) + uint32(parent), uint32(i - begin)}
			}
			place++
		}
	}
	b.kept.end()
}

// check decides properties of single states.
func (b *block[S]) check(s S, place int64) {
	for _, p := range b.rules.states {
		// An invariant is decided where it fails, a goal where it is reached.
		prop := &b.rules.props[p]
		if prop.state(s) == (prop.kind == Sometimes) {
			b.hit(p, hit{place, -1})
		}
	}
}

// bytes returns the size of the buffers in memory.
func (b *block[S]) bytes() int {
	n := cap(b.out)*sizeOf[S]() + 4*cap(b.ends) + 8*cap(b.mark) + cap(b.kept.part)
	for i := range b.probes {
		n += 16 * cap(b.probes[i])
	}
	return n
}
