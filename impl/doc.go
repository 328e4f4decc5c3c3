// Package impl is the session layer and its application library: local
// ("cut-through") sessions between two applications on one machine.
package impl
