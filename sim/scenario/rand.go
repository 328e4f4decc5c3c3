package scenario

import "math/bits"

// Rand is SplitMix64 (Steele, Lea, Flood 2014): one word of state, equal output
// on every platform and release. The values are pinned by a test, because seeds
// are printed and compared.
type Rand struct{ state uint64 }

// NewRand returns a generator for seed.
func NewRand(seed uint64) *Rand { return &Rand{seed} }

// Uint64 returns the next 64 random bits.
func (r *Rand) Uint64() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Intn returns a number in [0, n); n must be positive. The bias is below n/2^64.
func (r *Rand) Intn(n int) int {
	hi, _ := bits.Mul64(r.Uint64(), uint64(n))
	return int(hi)
}

// Fork returns an independent generator derived from the next output and key.
func (r *Rand) Fork(key uint64) *Rand { return &Rand{r.Uint64() ^ key*0xd1342543de82ef95} }
