package check

import "math/bits"

// The visited set is split by the top bits of fingerprints, so that workers
// insert into disjoint tables and a table that grows is a small part of the
// whole. A power of two.
const (
	shardBits  = 5
	shardCount = 1 << shardBits
)

// shardOf returns the table that has the fingerprint if any has.
func shardOf(fp uint64) int { return int(fp >> (64 - shardBits)) }

// A table is a set of fingerprints with open addressing. A fingerprint's home is
// its place in proportion to its value, so that tables of any size will do, and
// a table grows by reading the old one and writing the new one front to back.
type table[S comparable] struct {
	fps  []uint64 // 0 is a free slot
	keys []S      // states of the fingerprints; nil unless exact
	ids  []uint32 // what the graph calls them; nil in a search
	n    int
	room int    // how many fingerprints it may hold: three of four slots
	sink uint64 // keeps the compiler from dropping look-ups made for their cache lines
}

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

// insert returns the slot of a state, and whether it was free until now. Slots
// are good until the next insert.
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

// put fills a free slot.
func (t *table[S]) put(slot int, fp uint64, key *S) {
	t.n++
	t.fps[slot] = fp
	if t.keys != nil {
		t.keys[slot] = *key
	}
}

// find returns the slot of a state, or else the one that it may be put in.
func (t *table[S]) find(fp uint64, key *S) (slot int, known bool) {
	fps := t.fps
	for i := t.home(fp); ; i++ {
		if i == len(fps) {
			i = 0
		}
		switch {
		case fps[i] == 0:
			return i, false
		case fps[i] == fp && (t.keys == nil || t.keys[i] == *key):
			return i, true
		}
	}
}

// home returns where the search for a fingerprint begins.
func (t *table[S]) home(fp uint64) int {
	hi, _ := bits.Mul64(fp<<shardBits, uint64(len(t.fps)))
	return int(hi)
}

// grow makes the table larger by a third, and while it is small by more.
func (t *table[S]) grow() {
	size := max(64, len(t.fps)*2)
	if size > 4096 {
		size = len(t.fps) + len(t.fps)/3
	}
	old := *t
	t.fps, t.room = make([]uint64, size), size/4*3
	if old.keys != nil {
		t.keys = make([]S, size)
	}
	if old.ids != nil {
		t.ids = make([]uint32, size)
	}
	for i, fp := range old.fps {
		if fp == 0 {
			continue
		}
		j := t.home(fp)
		for t.fps[j] != 0 {
			if j++; j == size {
				j = 0
			}
		}
		t.fps[j] = fp
		if old.keys != nil {
			t.keys[j] = old.keys[i]
		}
		if old.ids != nil {
			t.ids[j] = old.ids[i]
		}
	}
}

// bytes returns the size of the table in memory.
func (t *table[S]) bytes() int {
	return 8*len(t.fps) + sizeOf[S]()*len(t.keys) + 4*len(t.ids)
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
