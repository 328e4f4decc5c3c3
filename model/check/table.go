package check

import (
	"math/bits"
	"slices"
)

// The visited set is split by the top bits of fingerprints, so that workers
// insert into disjoint tables and a table that grows is a small part of the
// whole. A power of two.
const (
	shardBits  = 4
	shardCount = 1 << shardBits
)

// shardOf returns the table that has the fingerprint if any has.
func shardOf(fp uint64) int { return int(fp >> (64 - shardBits)) }

// A table is a set of fingerprints with open addressing. A fingerprint's home is
// its place in proportion to its value, so that tables of any size will do, and
// the fingerprints are in ascending order, each at its home or in the first
// place after it that the order leaves. So the search for one that is not there
// ends at the first that is greater, and a table grows by being read and written
// front to back.
type table[S comparable] struct {
	fps  []uint64 // vacant or not; the last slot always is
	keys []S      // states of the fingerprints; nil unless exact
	ids  []uint32 // what the graph calls them; nil in a search
	size int      // homes; what does not fit before their end goes into slots after it
	room int      // how many fingerprints there may be before the table grows
	n    int
	sink uint64 // keeps the compiler from dropping look-ups made for their cache lines
}

// vacant marks a free slot. No fingerprint is greater.
const vacant = 1<<64 - 1

// A probe asks for the state at a place among the successors of a block.
type probe struct {
	fp uint64
	at uint32
}

// tableBatch is how many look-ups are under way at a time: memory is slow, but
// it works on several requests at once.
const tableBatch = 16

// insertAll inserts the states that the probes stand for, in order, and returns
// the probes of those that were not in the table, in order and in place.
func (t *table[S]) insertAll(probes []probe, states []S) []probe {
	fresh := probes[:0]
	for len(probes) > 0 {
		batch := probes[:min(tableBatch, len(probes))]
		probes = probes[len(batch):]
		if t.n+len(batch) > t.room {
			t.grow()
		}
		var seen uint64
		for _, p := range batch {
			seen |= t.fps[t.home(p.fp)]
		}
		t.sink = seen
		for _, p := range batch {
			if slot, known := t.find(p.fp, &states[p.at]); !known {
				t.put(slot, p.fp, &states[p.at])
				fresh = append(fresh, p)
			}
		}
	}
	return fresh
}

// insert returns the slot of a state, and whether it was not there until now.
// Slots are good until the next insert.
func (t *table[S]) insert(fp uint64, key *S) (slot int, isNew bool) {
	if t.n >= t.room {
		t.grow()
	}
	slot, known := t.find(fp, key)
	if !known {
		t.put(slot, fp, key)
	}
	return slot, !known
}

// find returns the slot of a state, or else the one that it belongs in.
func (t *table[S]) find(fp uint64, key *S) (slot int, known bool) {
	fps := t.fps
	slot = t.home(fp)
	for fps[slot] < fp {
		slot++
	}
	for ; fps[slot] == fp; slot++ {
		if t.keys == nil || t.keys[slot] == *key {
			return slot, true
		}
	}
	return slot, false
}

// put puts a state in the slot that find has returned, and what is there and
// right behind it one further.
func (t *table[S]) put(slot int, fp uint64, key *S) {
	end := slot
	for t.fps[end] != vacant {
		end++
	}
	if end == len(t.fps)-1 {
		t.extend(tableBatch)
	}
	t.n++
	if end > slot {
		copy(t.fps[slot+1:end+1], t.fps[slot:end])
		if t.keys != nil {
			copy(t.keys[slot+1:end+1], t.keys[slot:end])
		}
		if t.ids != nil {
			copy(t.ids[slot+1:end+1], t.ids[slot:end])
		}
	}
	t.fps[slot] = fp
	if t.keys != nil {
		t.keys[slot] = *key
	}
}

// home returns where the search for a fingerprint begins.
func (t *table[S]) home(fp uint64) int {
	hi, _ := bits.Mul64(fp<<shardBits, uint64(t.size))
	return int(hi)
}

// grow makes the table larger by a quarter, and while it is small by more.
func (t *table[S]) grow() {
	old := *t
	if t.size < 4096 {
		t.size = max(64, 2*old.size)
	} else {
		t.size = old.size + old.size/4
	}
	t.room = t.size / 5 * 4
	t.fps = nil
	if old.keys != nil {
		t.keys = []S{}
	}
	if old.ids != nil {
		t.ids = []uint32{}
	}
	t.extend(t.size + tableBatch)
	next := 0
	for i, fp := range old.fps {
		if fp == vacant {
			continue
		}
		next = max(next, t.home(fp))
		if next == len(t.fps)-1 {
			t.extend(tableBatch)
		}
		t.fps[next] = fp
		if old.keys != nil {
			t.keys[next] = old.keys[i]
		}
		if old.ids != nil {
			t.ids[next] = old.ids[i]
		}
		next++
	}
}

// extend adds vacant slots at the end.
func (t *table[S]) extend(n int) {
	first := len(t.fps)
	t.fps = slices.Grow(t.fps, n)[:first+n]
	for i := first; i < len(t.fps); i++ {
		t.fps[i] = vacant
	}
	if t.keys != nil {
		t.keys = slices.Grow(t.keys, n)[:first+n]
	}
	if t.ids != nil {
		t.ids = slices.Grow(t.ids, n)[:first+n]
	}
}

// bytes returns the size of the table in memory.
func (t *table[S]) bytes() int {
	return 8*cap(t.fps) + sizeOf[S]()*cap(t.keys) + 4*cap(t.ids)
}

// newTables returns the tables of an empty set.
func newTables[S comparable](exact, withIDs bool) *[shardCount]table[S] {
	tables := new([shardCount]table[S])
	for i := range tables {
		if exact {
			tables[i].keys = []S{}
		}
		if withIDs {
			tables[i].ids = []uint32{}
		}
	}
	return tables
}
