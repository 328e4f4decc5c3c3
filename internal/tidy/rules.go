package tidy

import "slices"

// Rules returns all rules.
func Rules() []Rule {
	return slices.Concat(importRules, callRules, stateRules, layoutRules, textRules, corpusRules)
}
