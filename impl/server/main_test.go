package server

import (
	"testing"

	"go.uber.org/goleak"
)

const testURI = "tcp://127.0.0.1/80"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}
