package simtest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"cutthrough/sim/trace"
)

// save writes x to a new file of dir, whole or not at all, and returns its path: SCENARIO.trace or, if that is another execution,
// a name that tells executions apart. A file of the same execution stays as it is.
func save(dir string, x *trace.Trace) (path string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	name := strings.NewReplacer("/", "-", ":", "-").Replace(x.Scenario)
	what := bare(x)
	for _, name := range []string{name, fmt.Sprintf("%s-%x", name, sha256.Sum256(what))} {
		path = filepath.Join(dir, name[:min(len(name), maxName)]+".trace")
		err = trace.WriteFile(path, x)
		if !errors.Is(err, fs.ErrExist) {
			return path, err
		}
		if y, bad := trace.ReadFile(path); bad == nil && bytes.Equal(bare(y), what) {
			return path, nil
		}
	}
	return "", err
}

// maxName bounds the length of a file name, without its ending.
const maxName = 80

// bare returns the text of what runs in x and what it shows, without what may differ between traces of one execution.
func bare(x *trace.Trace) []byte {
	y := *x
	y.Story, y.Kills, y.Digest, y.Steps = nil, nil, 0, 0
	return trace.Format(&y)
}
