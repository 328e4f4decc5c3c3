package cli

import (
	"fmt"
	"os"
	"strings"
)

// annotate tells GitHub, if it runs us, which lines of which files are not green.
// Its runner reads both streams; standard output is for the result.
func (a *Invocation) annotate(cs []checked) {
	if os.Getenv("GITHUB_ACTIONS") != "true" {
		return
	}
	for _, c := range cs {
		if !c.green() {
			fmt.Fprintln(a.stderr, annotation(c))
		}
	}
}

// annotation returns a workflow command, which is one line whatever the texts contain.
func annotation(c checked) string {
	title := c.Status
	if c.Mutant != "" {
		title += withMutant(c.Mutant)
	}
	at := "file=" + escapeProperty(c.Path)
	if c.Line > 0 {
		at += fmt.Sprintf(",line=%d", c.Line)
	}
	return fmt.Sprintf("::error %s,title=%s::%s", at, escapeProperty(title), escapeData(c.Detail))
}

func escapeData(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

func escapeProperty(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(escapeData(text))
}
