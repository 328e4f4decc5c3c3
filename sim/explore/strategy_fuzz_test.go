package explore

import "testing"

// FuzzParseStrategies parses any list of strategies. Each strategy that is in one prints itself as ParseStrategy reads it.
func FuzzParseStrategies(f *testing.F) {
	for _, text := range []string{"dfs:2,pct:3,random", " dfs:0 , pct:64", "", "dfs:-1", "pct:0", "random:1", "dfs:02", "dfs:+2", "dfs:99999999999999999999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := ParseStrategies(text, 1)
		if err != nil {
			return
		}
		if len(all) == 0 {
			t.Fatal("neither a strategy nor an error")
		}
		for _, s := range all {
			again, err := ParseStrategy(s.String(), 1)
			if err != nil || again.String() != s.String() {
				t.Errorf("%q prints itself as %q, which is %v, %v", text, s, again, err)
			}
		}
	})
}
