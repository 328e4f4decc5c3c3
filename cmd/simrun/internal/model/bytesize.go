package model

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// byteSize is a flag for a number of bytes: 4096, 512M, 8GiB.
type byteSize uint64

// sizeUnits are the letters of a byteSize; each is 1024 times the one before.
const sizeUnits = "KMGT"

// Set implements [pflag.Value].
func (b *byteSize) Set(text string) error {
	digits := strings.TrimRight(text, "KMGTiB")
	unit := text[len(digits):]
	shift := 0
	if unit != "" && unit != "B" {
		i := strings.IndexByte(sizeUnits, unit[0])
		if rest := unit[1:]; i < 0 || rest != "" && rest != "B" && rest != "iB" {
			return errByteSize
		}
		shift = 10 * (i + 1)
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || bits.Len64(n)+shift > 64 {
		return errByteSize
	}
	*b = byteSize(n << shift)
	return nil
}

var errByteSize = fmt.Errorf("want a number of bytes such as 1048576, 512M or 8G")

// String implements [pflag.Value].
func (b *byteSize) String() string {
	n, unit := uint64(*b), ""
	for i := 0; i < len(sizeUnits) && n > 0 && n%1024 == 0; i++ {
		n, unit = n/1024, sizeUnits[i:i+1]
	}
	return strconv.FormatUint(n, 10) + unit
}

// Type implements [pflag.Value].
func (b *byteSize) Type() string { return "SIZE" }
