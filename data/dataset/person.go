package dataset

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode"

	"contig-gpu/data/table"
)

// persons turns what a set calls its participants or images into ids that every table can hold: the hexadecimal 12e4 is a number to a spreadsheet, and 0 is nobody to plink.
type persons struct {
	of    map[string]string // id by name
	taken map[string]bool
}

func (p *persons) id(name string) string {
	if id, there := p.of[name]; there {
		return id
	}
	if p.of == nil {
		p.of, p.taken = map[string]string{}, map[string]bool{}
	}
	id := name
	ext := strings.ToLower(filepath.Ext(name))
	if table.CheckID("", 0, name) != nil || table.Placeholder(name) || strings.Contains(name, "/") || ext == ".jpg" || ext == ".jpeg" || ext == ".png" {
		id = "image_" + strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) || unicode.IsControl(r) || r == '/' || r == '.' {
				return '_'
			}
			return r
		}, name)
	}
	for n, first := 2, id; p.taken[id]; n++ {
		id = fmt.Sprintf("%s_%d", first, n)
	}
	p.of[name], p.taken[id] = id, true
	return id
}
