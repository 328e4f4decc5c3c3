//go:build race

package fifo_test

// raced says whether the race detector makes everything ten times slower.
const raced = true
