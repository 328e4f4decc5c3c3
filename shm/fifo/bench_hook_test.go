package fifo

import (
	"testing"

	"cutthrough/shm/internal/shmtest"
)

// BenchmarkHook measures what the access hook costs a message.
func BenchmarkHook(b *testing.B) {
	shmtest.CompareBare(b,
		"BenchmarkOneThread/publish=each/size=64", "BenchmarkOneThread/publish=batch/size=64",
		"BenchmarkStream/peer=process/publish=each/size=64", "BenchmarkStream/peer=process/publish=batch/size=64")
}
