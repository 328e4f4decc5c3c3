// Package bytesize is flags for numbers of bytes: 4096, 512M, 8GiB.
package bytesize

import (
	"errors"
	"math/bits"
	"strconv"
	"strings"
)

// units are the letters of a size; each is 1024 times the one before.
const units = "KMGT"

// Flag is a flag that sets a number of bytes.
type Flag[T ~uint32 | ~uint64] struct{ n *T }

// Var returns a flag that sets *n.
func Var[T ~uint32 | ~uint64](n *T) *Flag[T] { return &Flag[T]{n} }

// Set sets the number; an error if text is no size, or too large for the number.
func (f *Flag[T]) Set(text string) error {
	n, err := parse(text)
	if err != nil {
		return err
	}
	if uint64(T(n)) != n {
		return errLarge
	}
	*f.n = T(n)
	return nil
}

func parse(text string) (uint64, error) {
	digits := strings.TrimRight(text, units+"iB")
	unit := text[len(digits):]
	shift := 0
	if unit != "" && unit != "B" {
		i := strings.IndexByte(units, unit[0])
		if rest := unit[1:]; i < 0 || rest != "" && rest != "B" && rest != "iB" {
			return 0, errSize
		}
		shift = 10 * (i + 1)
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || bits.Len64(n)+shift > 64 {
		return 0, errSize
	}
	return n << shift, nil
}

var (
	errSize  = errors.New("want a number of bytes such as 1048576, 512M or 8G")
	errLarge = errors.New("want less than 4G")
)

// String returns the number, with the largest unit that has no fraction.
func (f *Flag[T]) String() string {
	if f.n == nil {
		return "0" // a flag that was made to find out its zero value
	}
	return format(uint64(*f.n))
}

// format returns n with the largest unit that has no fraction.
func format(n uint64) string {
	unit := ""
	for i := 0; i < len(units) && n > 0 && n%1024 == 0; i++ {
		n, unit = n/1024, units[i:i+1]
	}
	return strconv.FormatUint(n, 10) + unit
}

// Type says in the help what the flag takes.
func (f *Flag[T]) Type() string { return "SIZE" }
