package access

import "testing"

func TestOpTexts(t *testing.T) {
	for o := range NumOps {
		if got, ok := Parse(o.String()); !ok || got != o || o.String() == "" {
			t.Errorf("op %d prints as %q, which parses as %d", o, o, got)
		}
	}
	if _, ok := Parse("nonsense"); ok {
		t.Error("parsed nonsense")
	}
}
