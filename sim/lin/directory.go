package lin

import (
	"slices"

	"cutthrough/model"
	"cutthrough/sim/exec"

	"github.com/anishathalye/porcupine"
)

// Directory returns the checker of the session layer's directory: operations
// of [model.DirIn] and [model.DirOut] by concurrent applications, some of which
// crash. Ports are independent, so the history is searched port by port; there is no
// specialised decider.
func Directory() *Checker {
	slow := searchSpec[int, model.DirIn, model.DirOut](model.Directory{})
	slow.partition = partitionPorts
	return &Checker{
		fast: func([]exec.Operation) Result { return unknown("only porcupine decides directories") },
		slow: slow,
	}
}

func partitionPorts(ops []porcupine.Operation) [][]porcupine.Operation {
	var ports []int
	var parts [][]porcupine.Operation
	for _, op := range ops {
		port := op.Input.(model.DirIn).Port
		i := slices.Index(ports, port)
		if i < 0 {
			i = len(ports)
			ports = append(ports, port)
			parts = append(parts, nil)
		}
		parts[i] = append(parts[i], op)
	}
	return parts
}

// HistoryOf returns the operations of a history whose input is an I.
func HistoryOf[I any](h []exec.Operation) []exec.Operation {
	var part []exec.Operation
	for _, op := range h {
		if _, ok := op.Input.(I); ok {
			part = append(part, op)
		}
	}
	return part
}
