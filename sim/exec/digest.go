package exec

import (
	"fmt"
	"strconv"
)

// Digest is the hash of every step and value of an execution. Executions with equal choices have equal
// digests, whether they are recorded or not, on every machine.
type Digest uint64

// String returns 16 hexadecimal digits.
func (d Digest) String() string { return fmt.Sprintf("%016x", uint64(d)) }

// MarshalText returns 16 hexadecimal digits.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (d *Digest) UnmarshalText(text []byte) error {
	v, err := strconv.ParseUint(string(text), 16, 64)
	if err != nil {
		return fmt.Errorf("exec: digest %q: %w", text, err)
	}
	*d = Digest(v)
	return nil
}
