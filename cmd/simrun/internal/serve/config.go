package serve

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"cutthrough/internal/closest"

	"github.com/spf13/pflag"
)

// maxConfig bounds a configuration file, in bytes.
const maxConfig = 1 << 20

// readConfig reads settings, one a line as "key = value", into the flags of the same names, but for those that the
// command line has set. Empty lines, and lines that start with #, are for people. What is unknown, twice there or not
// right is an error that names file and line.
func readConfig(path string, r io.Reader, flags *pflag.FlagSet) error {
	known := pflag.NewFlagSet("", pflag.ContinueOnError)
	defaultOptions().settings(known)
	given := map[string]bool{} // by the command line
	flags.Visit(func(f *pflag.Flag) { given[f.Name] = true })
	first := map[string]int{} // the line that has a key
	lines := bufio.NewScanner(io.LimitReader(r, maxConfig+1))
	size := 0
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if size += len(lines.Bytes()) + 1; size > maxConfig {
			return fmt.Errorf("%s:%d: more than %d bytes", path, n, maxConfig)
		}
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		switch flag := known.Lookup(key); {
		case !ok || !utf8.ValidString(line):
			return fmt.Errorf("%s:%d: want key = value", path, n)
		case flag == nil:
			return fmt.Errorf("%s:%d: unknown key %q%s", path, n, key, closest.Hint(key, names(known)))
		case first[key] > 0 && flag.Value.Type() != new(namespaces).Type():
			return fmt.Errorf("%s:%d: %s is also set in line %d", path, n, key, first[key])
		}
		first[key] = n
		if err := known.Set(key, value); err != nil { // also if a flag overrules it
			return fmt.Errorf("%s:%d: %s = %s: %w", path, n, key, value, cause(err))
		}
		if given[key] {
			continue
		}
		if err := flags.Set(key, value); err != nil {
			return fmt.Errorf("%s:%d: %s = %s: %w", path, n, key, value, cause(err))
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// names returns the names of flags.
func names(flags *pflag.FlagSet) []string {
	var all []string
	flags.VisitAll(func(f *pflag.Flag) { all = append(all, f.Name) })
	return all
}

// cause returns what is wrong with a value, without the words about a flag around it.
func cause(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}
