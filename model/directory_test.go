package model

import "testing"

func TestDirectory(t *testing.T) {
	var d Directory
	for _, tt := range []struct {
		owner int
		in    DirIn
		out   DirStatus
		next  int
		legal bool
	}{
		{0, DirIn{Bind, 1, 7}, DirOK, 7, true},
		{0, DirIn{Bind, 1, 7}, DirTaken, 0, false},
		{8, DirIn{Bind, 1, 7}, DirOK, 0, false},
		{8, DirIn{Bind, 1, 7}, DirTaken, 8, true},
		{7, DirIn{Unbind, 1, 7}, DirOK, 0, true},
		{8, DirIn{Unbind, 1, 7}, DirOK, 0, false},
		{8, DirIn{Dial, 1, 7}, DirOK, 8, true},
		{0, DirIn{Dial, 1, 7}, DirOK, 0, false},
		{7, DirIn{Dial, 1, 7}, DirOK, 0, false},
		{0, DirIn{Dial, 1, 7}, DirRefused, 0, true},
		{8, DirIn{Dial, 1, 7}, DirRefused, 0, false},
		{7, DirIn{Dial, 1, 7}, DirSelf, 7, true},
		{8, DirIn{Dial, 1, 7}, DirSelf, 0, false},
		{7, DirIn{Leave, 1, 7}, DirOK, 0, true},
		{8, DirIn{Leave, 1, 7}, DirOK, 8, true},
		{8, DirIn{Leave, 1, 7}, DirTaken, 0, false},
	} {
		next, legal := d.Step(tt.owner, tt.in, DirOut{tt.out})
		if legal != tt.legal || legal && next != tt.next {
			t.Errorf("%d, %v -> %v: %d, %v", tt.owner, tt.in, tt.out, next, legal)
		}
	}
	for _, tt := range []struct {
		owner, states int
		in            DirIn
	}{
		{0, 2, DirIn{Bind, 1, 7}}, {8, 1, DirIn{Bind, 1, 7}}, {7, 2, DirIn{Unbind, 1, 7}},
		{7, 2, DirIn{Leave, 1, 7}}, {8, 1, DirIn{Leave, 1, 7}}, {8, 1, DirIn{Dial, 1, 7}},
	} {
		if got := d.Crash(tt.owner, tt.in); len(got) != tt.states || got[0] != tt.owner {
			t.Errorf("%d, %v crashed: %v", tt.owner, tt.in, got)
		}
	}
}
