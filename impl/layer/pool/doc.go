// Package pool keeps objects of one kind under handles.
//
// A handle names the object that it was made for and never another one: its index is used again, with
// another generation. Looking up a handle that is stale, forged or of another kind finds nothing. Not
// safe for concurrent use.
package pool
