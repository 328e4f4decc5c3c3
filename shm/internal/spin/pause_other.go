//go:build !amd64 || purego

package spin

// Pause does nothing: this architecture needs no hint, or has none that pays.
func Pause() {}
