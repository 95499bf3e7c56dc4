package main

import (
	"bufio"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// An instruction is one line of machine code.
type instruction struct {
	at   int    // its address
	op   string // with what follows it after dots: LDG.E.128
	jump string // the label of a branch
}

// A code is a kernel's machine code, as nvdisasm -c prints it.
type code struct {
	all    []instruction
	labels map[string]int // addresses
}

var (
	textOf  = regexp.MustCompile(`^\.text\.(\w+):`)
	labelOf = regexp.MustCompile(`^(\.L_x_\d+):`)
	lineOf  = regexp.MustCompile(`^\s+/\*([0-9a-f]+)\*/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)(.*)`)
	jumpTo  = regexp.MustCompile("`\\((\\.L_x_\\d+)\\)")
)

// parseSASS reads the machine code of all kernels.
func parseSASS(text string) (map[string]*code, error) {
	all := map[string]*code{}
	var k *code
	var waiting []string // labels of the next instruction
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if m := textOf.FindStringSubmatch(line); m != nil {
			k, waiting = &code{labels: map[string]int{}}, nil
			all[m[1]] = k
		}
		if m := labelOf.FindStringSubmatch(line); m != nil {
			waiting = append(waiting, m[1])
		}
		m := lineOf.FindStringSubmatch(line)
		if m == nil || k == nil {
			continue
		}
		at, err := strconv.ParseInt(m[1], 16, 64)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		i := instruction{at: int(at), op: m[2]}
		if j := jumpTo.FindStringSubmatch(m[3]); j != nil && strings.HasPrefix(i.op, "BRA") {
			i.jump = j[1]
		}
		for _, l := range waiting {
			k.labels[l] = i.at
		}
		k.all, waiting = append(k.all, i), nil
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("nvdisasm printed no kernel")
	}
	return all, lines.Err()
}

// A loop is what of a kernel runs again and again: the instructions between a branch backwards and what it leads to.
type loop struct {
	instructions int
	loads        map[string]int // from global memory, by width: 128, 64, 32, 16, 8
	stores       map[string]int
}

// hot returns the loop that moves most of what goes 16 bytes at a time, of those that hold no other such loop. Without one it
// has no instructions.
func (c *code) hot() loop {
	ends := map[int]int{} // of loops, by where they begin
	for _, i := range c.all {
		if to, ok := c.labels[i.jump]; ok && to <= i.at {
			ends[to] = i.at
		}
	}
	var best loop
	for from, to := range ends {
		l := c.between(from, to)
		for f, t := range ends {
			if (f != from || t != to) && f >= from && t <= to && c.between(f, t).wide() > 0 {
				l = loop{}
			}
		}
		if w, most := l.wide(), best.wide(); w > most || w == most && w > 0 && l.instructions < best.instructions {
			best = l
		}
	}
	return best
}

func (l loop) wide() int { return l.loads["128"] + l.stores["128"] }

func (c *code) between(from, to int) loop {
	l := loop{loads: map[string]int{}, stores: map[string]int{}}
	for _, i := range c.all {
		if i.at < from || i.at > to || i.op == "NOP" {
			continue
		}
		l.instructions++
		switch {
		case strings.HasPrefix(i.op, "LDG"):
			l.loads[width(i.op)]++
		case strings.HasPrefix(i.op, "STG"):
			l.stores[width(i.op)]++
		}
	}
	return l
}

// width returns the bits that a load or a store moves.
func width(op string) string {
	parts := strings.Split(op, ".")
	for _, p := range parts[1:] {
		switch p {
		case "128", "64":
			return p
		case "U16", "S16":
			return "16"
		case "U8", "S8":
			return "8"
		}
	}
	return "32"
}
