package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// usage is what ptxas says of a kernel.
type usage struct{ registers, shared int } // of a thread; bytes of a block

var (
	compiling = regexp.MustCompile(`Compiling entry function '(\w+)'`)
	spills    = regexp.MustCompile(`(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads`)
	registers = regexp.MustCompile(`Used (\d+) registers`)
	shared    = regexp.MustCompile(`(\d+) bytes smem`)
)

// parseUsage reads the report of ptxas -v, by kernel. Memory that a thread has to itself is an error: a spill, or an array that
// is indexed by what only the run knows.
func parseUsage(report string) (map[string]usage, error) {
	all := map[string]usage{}
	name := "?"
	for _, line := range strings.Split(report, "\n") {
		if m := compiling.FindStringSubmatch(line); m != nil {
			name = m[1]
		}
		if m := spills.FindStringSubmatch(line); m != nil && (m[1] != "0" || m[2] != "0" || m[3] != "0") {
			return nil, fmt.Errorf("kernel %s has %s", name, m[0])
		}
		if registers.MatchString(line) {
			all[name] = usage{number(registers, line), number(shared, line)}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("ptxas reported no kernel:\n%s", report)
	}
	return all, nil
}

// number returns what the pattern's group holds in line, 0 where it is not there.
func number(pattern *regexp.Regexp, line string) int {
	m := pattern.FindStringSubmatch(line)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1]) // digits
	return n
}
