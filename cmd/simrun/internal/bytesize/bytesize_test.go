package bytesize

import "testing"

func TestFlag(t *testing.T) {
	for text, want := range map[string]uint64{
		"0": 0, "1": 1, "4096": 4096, "12B": 12, "2K": 2048, "3KB": 3072, "512M": 512 << 20, "8G": 8 << 30, "8GiB": 8 << 30,
		"1T": 1 << 40, "16777215T": 16777215 << 40,
	} {
		var n uint64
		if err := Var(&n).Set(text); err != nil || n != want {
			t.Errorf("%q: %d, %v; want %d", text, n, err, want)
		}
	}
	for _, text := range []string{"", "K", "-1", "1.5G", "1k", "1GG", "1iB", "1KiBi", "B1", "16777216T", "99999999999999999999", "8G "} {
		n := uint64(7)
		if err := Var(&n).Set(text); err == nil || n != 7 {
			t.Errorf("%q is %d", text, n)
		}
	}
	var small uint32
	if err := Var(&small).Set("4G"); err == nil || small != 0 {
		t.Errorf("4G is %d in 32 bits", small)
	}
	if err := Var(&small).Set("3G"); err != nil || small != 3<<30 {
		t.Errorf("3G is %d in 32 bits, %v", small, err)
	}
	for want, n := range map[string]uint64{"0": 0, "1000": 1000, "1K": 1024, "1025": 1025, "8G": 8 << 30, "1024T": 1 << 50} {
		if got := Var(&n).String(); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
