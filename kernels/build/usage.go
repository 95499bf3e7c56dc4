package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// usage is what ptxas says of all kernels.
type usage struct{ kernels, registers int }

var (
	compiling = regexp.MustCompile(`Compiling entry function '(\w+)'`)
	spills    = regexp.MustCompile(`(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads`)
	registers = regexp.MustCompile(`Used (\d+) registers`)
)

// parseUsage reads the report of ptxas -v. Memory that a thread has to itself is an error: a spill, or an array that is
// indexed by what only the run knows.
func parseUsage(report string) (usage, error) {
	var u usage
	name := "?"
	for _, line := range strings.Split(report, "\n") {
		if m := compiling.FindStringSubmatch(line); m != nil {
			name = m[1]
			u.kernels++
		}
		if m := spills.FindStringSubmatch(line); m != nil && (m[1] != "0" || m[2] != "0" || m[3] != "0") {
			return u, fmt.Errorf("kernel %s has %s", name, m[0])
		}
		if m := registers.FindStringSubmatch(line); m != nil {
			n, _ := strconv.Atoi(m[1]) // digits
			u.registers = max(u.registers, n)
		}
	}
	if u.kernels == 0 {
		return u, fmt.Errorf("ptxas reported no kernel:\n%s", report)
	}
	return u, nil
}
