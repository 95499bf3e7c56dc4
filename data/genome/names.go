package genome

import (
	"fmt"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// ReadNames reads a table with two columns: a feature, and what it is called in plain words, such as a score's trait. The
// first line may be a header, which then names a feature that nothing has. A line of one field, or a feature with two names, is E907.
func ReadNames(path string) (map[string]string, error) {
	l, err := table.Open(path)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	out, first := map[string]string{}, map[string]int{}
	var split table.Splitter
	for n := 0; l.Next(); n++ {
		if n == 0 {
			split = table.SplitterFor(path, l.Text())
		}
		f := split.Split(l.Text(), nil)
		if len(f) < 2 || f[0] == "" || f[1] == "" {
			return nil, &data.Problem{Code: codeNames, File: path, Line: l.Line(), What: "a table of names has two columns", Expected: "a feature and its trait, separated by " + split.String(),
				Found: fmt.Sprintf("%.80q", l.Text()), Cause: "another separator, or a broken line", Fix: "write feature, tab, trait"}
		}
		if was, ok := out[f[0]]; ok && was != f[1] {
			return nil, &data.Problem{Code: codeNames, File: path, Line: l.Line(), What: fmt.Sprintf("the feature %q has two names", f[0]), Expected: "one name a feature",
				Found: fmt.Sprintf("%q on line %d, and %q", was, first[f[0]], f[1]), Cause: "tables pasted together", Fix: "keep one of the lines"}
		}
		if _, ok := out[f[0]]; !ok {
			out[f[0]], first[f[0]] = f[1], l.Line()
		}
	}
	return out, l.Err()
}
