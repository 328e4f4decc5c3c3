package main

import (
	"testing"

	"cutthrough/internal/clitest"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) { testscript.Main(m, programs()) }

func TestScripts(t *testing.T) { clitest.Scripts(t, "../..") }
