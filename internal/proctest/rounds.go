package proctest

import (
	"os"
	"testing"
)

// long asks for the long tests; .ci/run sets it where a step says so, and .ci/nightly.
const long = "CUTTHROUGH_TEST_LONG"

// Rounds returns how much of its work a test does, such as repetitions or configurations: few, or many if the environment
// variable CUTTHROUGH_TEST_LONG is set.
func Rounds(t testing.TB, few, many int) int {
	if Long() {
		return many
	}
	t.Logf("%d in place of %d; all with %s=1", few, many, long)
	return few
}

// Long says whether CUTTHROUGH_TEST_LONG is set.
func Long() bool { return os.Getenv(long) != "" }
