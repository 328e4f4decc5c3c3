package model

import (
	"testing"

	"cutthrough/internal/clitest"
	"cutthrough/model/models"
	"cutthrough/sim/cli"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"simrun": func() {
			cli.App{Name: "simrun", Commands: []cli.Command{Command(append(models.All(), testModel()))}}.Main()
		},
	})
}

func TestScripts(t *testing.T) { clitest.Scripts(t, "../../../..") }
