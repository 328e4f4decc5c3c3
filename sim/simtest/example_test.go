package simtest_test

import (
	"testing"

	"cutthrough/sim/simtest"
)

// A test of a scenario. The module in sim/testdata/mailbox is a complete example.
func ExampleCheck() {
	var test = func(t *testing.T) { // TestSum, in a file of tests
		simtest.Check(t, sum(true), simtest.Executions(2000))
	}
	_ = test
	// Output:
}
