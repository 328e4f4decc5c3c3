package oshost_test

import (
	"fmt"

	"cutthrough/shm/oshost"
)

// The memory that segments may take here without that a process is killed for it.
func ExampleMemoryBudget() {
	budget, err := oshost.MemoryBudget()
	fmt.Println(budget > 0, err)
	// Output:
	// true <nil>
}
