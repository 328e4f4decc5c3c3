package oracle

import "slices"

// table is a map with few keys. It is a list, because that costs less to make and to search: each execution of a scenario has
// new oracles. The zero table is empty.
type table[K comparable, V any] []entry[K, V]

type entry[K comparable, V any] struct {
	key   K
	value V
}

func (t table[K, V]) index(k K) int {
	return slices.IndexFunc(t, func(e entry[K, V]) bool { return e.key == k })
}

// get returns the value of k, or zero.
func (t table[K, V]) get(k K) (v V) {
	if i := t.index(k); i >= 0 {
		v = t[i].value
	}
	return v
}

func (t *table[K, V]) set(k K, v V) {
	i := t.index(k)
	if i < 0 {
		i, *t = len(*t), append(slices.Grow(*t, 4), entry[K, V]{key: k})
	}
	(*t)[i].value = v
}
