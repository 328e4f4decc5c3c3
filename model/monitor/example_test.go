package monitor_test

import (
	"fmt"

	"cutthrough/model/monitor"
)

// A parcel is at home, on its way, or delivered. Only the doorbell of the house is observed: it
// rings when the courier comes, and the courier comes at most twice.
func Example() {
	const home, underway, tried, delivered = "home", "under way", "tried once", "delivered"
	courier := monitor.Machine[string, string]{
		Hidden: func(s string, emit func(string)) {
			if s == home {
				emit(underway) // the parcel leaves, which the house does not see
			}
		},
		Step: func(s, event string, emit func(string)) {
			switch {
			case event == "ring" && s == underway:
				emit(tried)     // no answer at the door
				emit(delivered) // or the parcel was handed over
			case event == "ring" && s == tried:
				emit(delivered)
			}
		},
		Allowed: func(s string) []string {
			if s == underway || s == tried {
				return []string{"ring"}
			}
			return nil
		},
		Limit: 4,
	}
	m := monitor.New(courier, home)
	for range 3 {
		fmt.Println(m.Observe("ring"), m.States())
	}
	fmt.Println(m)
	// Output:
	// accepted [tried once delivered]
	// accepted [delivered]
	// rejected []
	// rejected at event 2, allowed:
}
