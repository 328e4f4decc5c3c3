package check

import (
	"testing"

	"pgregory.net/rapid"
)

// TestTable compares a table with a map, with fingerprints that crowd together
// at the end of it and, if it is exact, belong to several states.
func TestTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		exact := rapid.Bool().Draw(t, "exact")
		table := &newTables[[2]byte](exact, true)[0]
		seen := map[[2]byte]uint32{}
		n := rapid.IntRange(0, 400).Draw(t, "inserts")
		spread := rapid.SampledFrom([]uint64{1, 1 << 50, 1 << 54}).Draw(t, "spread")
		for i := range n {
			key := [2]byte{byte(i % 7), byte(rapid.IntRange(0, 40).Draw(t, "key"))}
			fp := 1<<(64-shardBits) - 1 - uint64(key[1])*spread
			if !exact {
				key[0] = 0
			}
			slot, isNew := table.insert(fp, &key)
			id, known := seen[key]
			if isNew == known || known && table.ids[slot] != id {
				t.Fatalf("insert %d of %v: new %v, known %v", i, key, isNew, known)
			}
			if isNew {
				seen[key] = uint32(i)
				table.ids[slot] = uint32(i)
			}
			if table.n != len(seen) || table.fps[len(table.fps)-1] != vacant {
				t.Fatalf("%d states in the table, %d in the map", table.n, len(seen))
			}
		}
	})
}

// TestInsertAll finds out which of many are new, growing as it goes.
func TestInsertAll(t *testing.T) {
	table := &newTables[uint32](false, false)[0]
	states := make([]uint32, 30_000)
	for range 2 {
		var probes []probe
		for i := range states {
			states[i] = uint32(i % 20_000)
			fp := fingerprint(&states[i], 0) >> shardBits
			probes = append(probes, probe{fp, uint32(i)})
		}
		want := 20_000 - table.n
		fresh := table.insertAll(probes, states)
		if len(fresh) != want || table.n != 20_000 {
			t.Fatalf("%d of %d are new, %d in the table", len(fresh), len(states), table.n)
		}
		for i, p := range fresh {
			if p.at != uint32(i) {
				t.Fatalf("new state %d is that at %d, not the first", i, p.at)
			}
		}
	}
	if least := 20_000 * 8; table.bytes() < least || table.bytes() > 2*least {
		t.Errorf("%d bytes for 20,000 fingerprints", table.bytes())
	}
}

// TestFingerprint changes every bit of states of many sizes, and the seed: half
// of the bits of the fingerprint change each time.
func TestFingerprint(t *testing.T) {
	avalanche[[1]byte](t)
	avalanche[[7]byte](t)
	avalanche[[8]byte](t)
	avalanche[[11]byte](t)
	avalanche[[16]byte](t)
	avalanche[[24]byte](t)
	avalanche[[32]byte](t)
	avalanche[[61]byte](t)
}

func avalanche[S comparable](t *testing.T) {
	t.Helper()
	var s S
	b := bytesOf(&s)
	for i := range b {
		b[i] = byte(i * 37)
	}
	seen := map[uint64]bool{fingerprint(&s, scrambled(0)): true}
	changed, tries := 0, 0
	note := func(base, fp uint64) {
		for x := base ^ fp; x != 0; x &= x - 1 {
			changed++
		}
		tries++
		seen[fp] = true
	}
	base := fingerprint(&s, scrambled(0))
	for bit := range 8 * len(b) {
		b[bit/8] ^= 1 << (bit % 8)
		note(base, fingerprint(&s, scrambled(0)))
		b[bit/8] ^= 1 << (bit % 8)
	}
	for bit := range 64 {
		note(base, fingerprint(&s, scrambled(1<<bit)))
	}
	if len(seen) != tries+1 {
		t.Errorf("%T: %d changes give %d fingerprints", s, tries, len(seen))
	}
	if mean := float64(changed) / float64(tries); mean < 30 || mean > 34 {
		t.Errorf("%T: %.1f bits change on average", s, mean)
	}
}
