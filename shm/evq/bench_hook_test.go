package evq

import (
	"testing"

	"cutthrough/shm/internal/shmtest"
)

// BenchmarkHook measures what the access hook costs an event.
func BenchmarkHook(b *testing.B) { shmtest.CompareBare(b, "BenchmarkQueuePostPoll") }
