package closest

import "testing"

func TestClosest(t *testing.T) {
	words := []string{"seed", "strategy", "time", "no-shrink", "n"}
	for name, want := range map[string]string{
		"sed": "seed", "seeds": "seed", "stratgey": "strategy", "strat": "strategy", "shrink": "", "timeout": "",
		"xyz": "", "": "", "no-shrnk": "no-shrink",
	} {
		if got := Word(name, words); got != want {
			t.Errorf("Word(%q) = %q, want %q", name, got, want)
		}
	}
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"ab", "ba", 2}, {"abc", "ac", 1}, {"ac", "abc", 1}} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
