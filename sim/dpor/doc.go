// Package dpor explores one execution of each class of executions that differ only in the order of independent steps.
package dpor
