package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A size is a constant that kernels have in common with the Go code that launches them.
type size struct{ file, name, value, comment string }

var (
	sizeLine  = regexp.MustCompile(`(?m)^constexpr int ([^;]+);[ \t]*(?://[ \t]*(.*))?$`)
	sizePart  = regexp.MustCompile(`^(\w+)\s*=\s*([\w\s+*/()-]+)$`)
	sizeNames = regexp.MustCompile(`[a-z]\w*`)
)

// readSizes returns the `constexpr int` of a file that stand at the beginning of a line: those of the whole file.
func readSizes(path string) ([]size, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var all []size
	for _, m := range sizeLine.FindAllStringSubmatch(string(text), -1) {
		for _, part := range strings.Split(m[1], ",") {
			p := sizePart.FindStringSubmatch(strings.TrimSpace(part))
			if p == nil {
				return nil, fmt.Errorf("%q is no sum or product of whole numbers and sizes", part)
			}
			all = append(all, size{filepath.Base(path), p[1], sizeNames.ReplaceAllStringFunc(p[2], camel), m[2]})
		}
	}
	return all, nil
}

// allSizes returns those of a folder's kernels and what they include.
func allSizes(dir string) ([]size, error) {
	var all []size
	for _, pattern := range []string{"*.cu", "*.cuh"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			sizes, err := readSizes(f)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", filepath.Base(f), err)
			}
			all = append(all, sizes...)
		}
	}
	return all, nil
}

func writeSizes(b *bytes.Buffer, all []size) {
	if len(all) == 0 {
		return
	}
	b.WriteString("// Sizes that kernels and what launches them have in common, from the constexpr int of *.cu and *.cuh.\nconst (\n")
	for _, s := range all {
		text := s.file
		if s.comment != "" {
			text += ": " + s.comment
		}
		fmt.Fprintf(b, "%s = %s // %s\n", camel(s.name), s.value, text)
	}
	b.WriteString(")\n\n")
}
