// Package closest guesses which of several words a mistyped one was meant to be. Its functions are pure.
package closest

import (
	"fmt"
	"strings"
)

// Word returns the one of words that name was probably meant to be, or "".
func Word(name string, words []string) string {
	best, at := (1+len(name))/3, "" // a typo or two, not another word
	for _, w := range words {
		if d := distance(name, w); d <= best && (at == "" || d < best) {
			best, at = d, w
		}
		if at == "" && len(name) >= 3 && strings.HasPrefix(w, name) {
			at = w
		}
	}
	return at
}

// distance is Levenshtein's: the insertions, deletions and replacements of bytes
// that turn a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1) // of the prefix of a that was looked at
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// Hint returns ": did you mean WORD?" about the closest word, or "".
func Hint(name string, words []string) string {
	if w := Word(name, words); w != "" {
		return fmt.Sprintf(": did you mean %s?", w)
	}
	return ""
}
