package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A difference is a test that is known to end otherwise over sessions than over sockets.
type difference struct {
	pkg, test, reason string
	sometimes         bool // it depends on the order of two processes, so it is not run
}

// parseDifferences reads a list: a line for each, with package, test and reason, and comments after a # at the beginning. A
// reason that begins with "sometimes" is that of a test that differs in some runs.
func parseDifferences(text string) ([]difference, error) {
	var list []difference
	for i, line := range strings.Split(text, "\n") {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || strings.HasPrefix(line, "#"):
			continue
		case len(fields) < 3:
			return nil, fmt.Errorf("line %d has no package, test and reason", i+1)
		}
		d := difference{fields[0], fields[1], strings.Join(fields[2:], " "), fields[2] == "sometimes"}
		if slices.ContainsFunc(list, func(o difference) bool { return o.pkg == d.pkg && o.test == d.test }) {
			return nil, fmt.Errorf("line %d lists %s a second time", i+1, d.test)
		}
		list = append(list, d)
	}
	return list, nil
}

// outcomes are the outcomes of tests by their names.
type outcomes map[string]outcome

type outcome string

const (
	passed   outcome = "pass"
	skipped  outcome = "skip"
	endless  outcome = "no end" // the process has ended first
	notThere outcome = ""       // it has not run
)

// good says whether a test has done what it should.
func (o outcome) good() bool { return o == passed || o == skipped }

// ended says whether a test has ended.
func (o outcome) ended() bool { return o != endless && o != notThere }

// basis returns an error if outcomes over sockets are none to compare with.
func (o outcomes) basis() error {
	for test, outcome := range o {
		if !outcome.ended() {
			return fmt.Errorf("the process ended before %s, over sockets", test)
		}
	}
	if o.count(outcome.good) == 0 {
		return errors.New("no test passed over sockets")
	}
	return nil
}

// count returns how many outcomes are as wanted.
func (o outcomes) count(want func(outcome) bool) (n int) {
	for _, outcome := range o {
		if want(outcome) {
			n++
		}
	}
	return n
}

// compare returns, in order, the tests that were good over sockets and ended otherwise over sessions. Of a test and its
// subtests it is the subtests.
func compare(sockets, sessions outcomes) []string {
	var differ []string
	for test, o := range sockets {
		if o.good() && sessions[test] != o {
			differ = append(differ, test)
		}
	}
	slices.Sort(differ)
	return slices.DeleteFunc(differ, func(test string) bool {
		return slices.ContainsFunc(differ, func(o string) bool { return strings.HasPrefix(o, test+"/") })
	})
}

// stale returns an error if a test that is listed does not differ, or is not there.
func stale(test string, sockets, sessions outcomes) error {
	switch o := sockets[test]; {
	case o == notThere:
		return fmt.Errorf("%s is listed and not there", test)
	case o.good() && sessions[test] == o:
		return fmt.Errorf("%s is listed and does not differ", test)
	}
	return nil
}

// without returns the outcomes of the tests that a -test.skip with the pattern of tests leaves.
func (o outcomes) without(tests []string) outcomes {
	rest := outcomes{}
	for test, outcome := range o {
		if !slices.ContainsFunc(tests, func(t string) bool { return test == t || strings.HasPrefix(test, t+"/") }) {
			rest[test] = outcome
		}
	}
	return rest
}

// pattern returns what -test.run and -test.skip take for tests.
func pattern(tests []string) string {
	var alternatives []string
	for _, test := range tests {
		var elements []string
		for element := range strings.SplitSeq(test, "/") {
			elements = append(elements, "^"+regexp.QuoteMeta(element)+"$")
		}
		alternatives = append(alternatives, strings.Join(elements, "/"))
	}
	return strings.Join(alternatives, "|")
}
