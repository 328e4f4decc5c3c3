//go:build !race

package impl

// raced says whether the race detector makes everything ten times slower.
const raced = false
