package check

import (
	"encoding/binary"
	"math/bits"
	"reflect"
	"unsafe"
)

// bytesOf returns the bytes of a state, which [checkEncoding] has found to be
// all there is to it.
func bytesOf[S comparable](s *S) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(s)), unsafe.Sizeof(*s))
}

func sizeOf[S comparable]() int {
	var s S
	return int(unsafe.Sizeof(s))
}

// Constants of wyhash.
const k0, k1, k2 = 0xa0761d6478bd642f, 0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3

// scrambled makes seeds that differ a little differ a lot.
func scrambled(seed uint64) uint64 { return mix(seed^k0, k1) }

// fingerprint returns 64 bits of the state, never vacant. It is the hash function
// wyhash in its plainest form: 16 bytes a multiplication, two more at the end.
// The seed is a scrambled one.
func fingerprint[S comparable](s *S, seed uint64) uint64 {
	b := bytesOf(s)
	h := seed
	for len(b) >= 16 {
		h = mix(binary.LittleEndian.Uint64(b)^k1, binary.LittleEndian.Uint64(b[8:])^h)
		b = b[16:]
	}
	var x, y uint64
	if len(b) >= 8 {
		x = binary.LittleEndian.Uint64(b)
		b = b[8:]
	}
	for i, c := range b {
		y |= uint64(c) << (8 * i)
	}
	hi, lo := bits.Mul64(x^k1, y^h)
	return min(mix(lo^seed, hi^k2), vacant-1)
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// checkEncoding says what is wrong with the type of a state, or "": equal values
// must have equal bytes.
func checkEncoding(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool,
		reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int,
		reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		return ""
	case reflect.Array:
		if t.Size() == 0 {
			return t.String() + " has no bytes"
		}
		return checkEncoding(t.Elem())
	case reflect.Struct:
		end := uintptr(0)
		for f := range t.NumField() {
			field := t.Field(f)
			if field.Name == "_" {
				return t.String() + " has a blank field, which equality ignores"
			}
			if field.Offset != end {
				return t.String() + " has padding before " + field.Name
			}
			if wrong := checkEncoding(field.Type); wrong != "" {
				return wrong
			}
			end += field.Type.Size()
		}
		if end != t.Size() {
			return t.String() + " has padding at its end"
		}
		if end == 0 {
			return t.String() + " has no bytes"
		}
		return ""
	}
	return t.String() + " is not made of integers and booleans"
}
