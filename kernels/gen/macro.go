package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A macro is a function-like #define.
type macro struct {
	params []string
	body   string
}

var (
	comments = regexp.MustCompile(`(?s)//[^\n]*|/\*.*?\*/`)
	define   = regexp.MustCompile(`^#\s*define\s+(\w+)\(([^)]*)\)\s*(.*)$`)
	include  = regexp.MustCompile(`^#\s*include\s+"([^"]+\.cuh)"`)
	word     = regexp.MustCompile(`\w+`)
	paste    = regexp.MustCompile(`\s*##\s*`)
)

// expanded returns the text of a file without comments and directives, its macros expanded.
func expanded(path string) (string, error) {
	macros := map[string]macro{}
	text, err := collect(path, macros, map[string]bool{})
	if err != nil {
		return "", err
	}
	return expand(text, macros, 0)
}

// collect returns a file's text without comments and directives, and adds the macros that it and what it includes
// define outside any #if.
func collect(path string, macros map[string]macro, seen map[string]bool) (string, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	seen[path] = true
	text := strings.ReplaceAll(comments.ReplaceAllString(string(src), ""), "\\\n", " ")
	var rest []string
	depth := 0
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "#") {
			rest = append(rest, line)
			continue
		}
		depth += nesting(line)
		if err := directive(line, depth, filepath.Dir(path), macros, seen); err != nil {
			return "", err
		}
	}
	return strings.Join(rest, "\n"), nil
}

// nesting returns by how much a directive changes the depth of #if.
func nesting(line string) int {
	switch d := strings.TrimSpace(line[1:]); {
	case strings.HasPrefix(d, "if"):
		return 1
	case strings.HasPrefix(d, "endif"):
		return -1
	}
	return 0
}

func directive(line string, depth int, dir string, macros map[string]macro, seen map[string]bool) error {
	if m := define.FindStringSubmatch(line); m != nil && depth == 0 {
		macros[m[1]] = macro{word.FindAllString(m[2], -1), m[3]}
	}
	if m := include.FindStringSubmatch(line); m != nil {
		if path := filepath.Join(dir, m[1]); !seen[path] {
			_, err := collect(path, macros, seen)
			return err
		}
	}
	return nil
}

// expand replaces every call of a macro, and the calls in what came of it.
func expand(text string, macros map[string]macro, depth int) (string, error) {
	if depth > 8 {
		return "", fmt.Errorf("macros call each other more than 8 deep")
	}
	var out strings.Builder
	for {
		at := nextCall(text, macros)
		if at == nil {
			out.WriteString(text)
			return out.String(), nil
		}
		name := text[at[0]:at[1]]
		args, end, err := arguments(text, at[1])
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		body, err := macros[name].fill(name, args)
		if err == nil {
			body, err = expand(body, macros, depth+1)
		}
		if err != nil {
			return "", err
		}
		out.WriteString(text[:at[0]] + body)
		text = text[end:]
	}
}

// nextCall returns where the name of the first called macro begins and ends, nil if none is. A name alone calls
// nothing: FOR_TYPES(M) gets the name of one.
func nextCall(text string, macros map[string]macro) []int {
	for _, at := range word.FindAllStringIndex(text, -1) {
		if _, ok := macros[text[at[0]:at[1]]]; ok && strings.HasPrefix(text[at[1]:], "(") {
			return at
		}
	}
	return nil
}

// fill puts arguments into a macro's body.
func (m macro) fill(name string, args []string) (string, error) {
	if len(args) != len(m.params) {
		return "", fmt.Errorf("%s has %d arguments, want %d", name, len(args), len(m.params))
	}
	body := word.ReplaceAllStringFunc(m.body, func(w string) string {
		for i, p := range m.params {
			if w == p {
				return args[i]
			}
		}
		return w
	})
	return paste.ReplaceAllString(body, ""), nil
}

// arguments splits what is in the parentheses that open at text[at]; end is behind them.
func arguments(text string, at int) (args []string, end int, err error) {
	depth, from := 0, at+1
	for i := at; i < len(text); i++ {
		switch text[i] {
		case '(', '<':
			depth++
		case ')', '>':
			if depth--; depth == 0 {
				return append(args, strings.TrimSpace(text[from:i])), i + 1, nil
			}
		case ',':
			if depth == 1 {
				args, from = append(args, strings.TrimSpace(text[from:i])), i+1
			}
		}
	}
	return nil, 0, fmt.Errorf("a parenthesis is not closed")
}
