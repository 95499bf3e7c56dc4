package train

import (
	"fmt"
	"slices"
	"strings"

	"contig-gpu/data"
)

// corrected reports whether the sources differ from those of the checkpoint in values of held-out persons alone, of tables that
// an evaluation has failed by: training has not seen them.
func (s *state) corrected(now []data.SourceDigest) bool {
	if len(s.Outliers) == 0 || len(s.Sources) != len(now) {
		return false
	}
	for i, was := range s.Sources {
		is := now[i]
		if slices.Contains(s.Outliers, was.Name) {
			is.Held, is.Rows = was.Held, was.Rows
		}
		if is != was {
			return false
		}
	}
	return true
}

// differing says in words which sources differ, and how; those that do not are named last.
func differing(was, is []data.SourceDigest) string {
	now := map[string]data.SourceDigest{}
	for _, s := range is {
		now[s.Name] = s
	}
	var out, same []string
	for _, s := range was {
		n, there := now[s.Name]
		delete(now, s.Name)
		switch text := howDiffers(s, n); {
		case !there:
			out = append(out, nameOf(s)+" are no longer there")
		case text == "":
			same = append(same, nameOf(s))
		default:
			out = append(out, nameOf(s)+": "+text)
		}
	}
	for _, s := range is {
		if _, extra := now[s.Name]; extra {
			out = append(out, nameOf(s)+" were not there")
		}
	}
	if len(out) == 0 {
		out = []string{"ids, groups or splits of persons"}
	}
	if len(same) > 0 {
		out = append(out, strings.Join(same, ", ")+" unchanged")
	}
	return strings.Join(out, "\n")
}

func nameOf(s data.SourceDigest) string {
	if s.Name == "" {
		return "images"
	}
	return s.Name
}

// howDiffers says how a source differs; "": it does not.
func howDiffers(was, is data.SourceDigest) string {
	rows := "persons"
	if was.Name == "" {
		rows = "images"
	}
	switch {
	case was == is:
		return ""
	case was.Rows != is.Rows:
		return fmt.Sprintf("%d %s, were %d", is.Rows, rows, was.Rows)
	case was.Features != is.Features:
		return fmt.Sprintf("%d features, were %d", is.Features, was.Features)
	case was.Name == "" && was.Stats != is.Stats:
		return "as many, but names or sizes of files differ"
	case was.Name == "":
		return "as many, but the bytes of some differ"
	case was.Train == is.Train && was.Stats == is.Stats:
		return "as many persons, but values of held-out persons differ"
	}
	return "as many persons, but values differ"
}
