package trace

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkText says whether text may appear on a line of a trace, and so on a
// terminal: valid UTF-8, and nothing that a terminal acts upon or hides.
func checkText(text string) error {
	for i, r := range text {
		switch {
		case r >= ' ' && r <= '~':
		case r == '\t':
			return fmt.Errorf("tab at column %d: use spaces", i+1)
		case r == '\r':
			return fmt.Errorf("carriage return at column %d: lines end in LF alone", i+1)
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			return fmt.Errorf("byte %#02x at column %d is not UTF-8", text[i], i+1)
		case unicode.IsControl(r):
			return fmt.Errorf("control character %U at column %d", r, i+1)
		case !unicode.IsPrint(r):
			return fmt.Errorf("invisible character %U at column %d", r, i+1)
		}
	}
	return nil
}

// checkName checks a name. The first character keeps a name from looking like a
// flag, a hidden file or a path out of a directory.
func checkName(what, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%s is empty", what)
	case len(name) > MaxName:
		return fmt.Errorf("%s %s has %d bytes, limit %d", what, quote(name), len(name), MaxName)
	case strings.IndexByte(".-/:+[]", name[0]) >= 0:
		return fmt.Errorf("%s %s starts with %q: a name starts with a letter, digit or underscore", what, quote(name), name[0])
	}
	for _, r := range name {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && !('0' <= r && r <= '9') && !strings.ContainsRune("_.-/:+[]", r) {
			return fmt.Errorf("%s %s: %q is not allowed in a name", what, quote(name), r)
		}
	}
	return nil
}

// checkWord checks a value or an argument.
func checkWord(what, word string) error {
	if word == "" {
		return fmt.Errorf("%s is empty", what)
	}
	for _, r := range word {
		if r <= ' ' || r > '~' {
			return fmt.Errorf("%s %s: %q is not printable ASCII", what, quote(word), r)
		}
	}
	return nil
}

// checkNumber checks a number that is written right after prefix.
func checkNumber(prefix string, n, least int) error {
	if n < least || n > MaxNumber {
		return fmt.Errorf("%s%d is not between %d and %d", prefix, n, least, MaxNumber)
	}
	return nil
}

// parseNumber reads what checkNumber accepts, in the one way to write it.
func parseNumber(prefix, digits string, least int) (int, error) {
	if !decimal(digits) {
		return 0, fmt.Errorf("%s is not a plain decimal number", quote(prefix+digits))
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < int64(least) || n > MaxNumber {
		return 0, fmt.Errorf("%s is not between %d and %d", quote(prefix+digits), least, MaxNumber)
	}
	return int(n), nil
}

// decimal says whether text is digits without a leading zero.
func decimal(text string) bool {
	return text == "0" || text != "" && text[0] != '0' && strings.Trim(text, "0123456789") == ""
}

func checkCount(what string, n, limit int) error {
	if n > limit {
		return fmt.Errorf("more than %d %s", limit, what)
	}
	return nil
}

// quote returns the start of text so that it is safe and short enough to show.
func quote(text string) string {
	const limit = 40
	if len(text) <= limit {
		return strconv.Quote(text)
	}
	cut := limit
	for cut > limit-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return strconv.Quote(text[:cut]) + "..."
}
