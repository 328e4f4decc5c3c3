// Package models lists the models of the protocol.
package models

import (
	"cutthrough/model/catalog"
	"cutthrough/model/evq"
	"cutthrough/model/signal"
)

// All returns the models, from the words of one fifo upwards.
func All() []catalog.Entry {
	return []catalog.Entry{signal.Entry(), evq.Entry()}
}
