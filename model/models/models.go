// Package models lists the models of the protocol.
package models

import (
	"cutthrough/model/catalog"
	"cutthrough/model/evq"
	"cutthrough/model/negotiation"
	"cutthrough/model/signal"
	"cutthrough/model/valloc"
)

// All returns the models, from the words of one fifo up to the messages of all
// applications.
func All() []catalog.Entry {
	return []catalog.Entry{signal.Entry(), evq.Entry(), valloc.Entry(), negotiation.Entry()}
}
