package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// opensItself says why a file reads files by itself and not by data/input: it reads what the program itself writes, or the system's.
func opensItself() map[string]string {
	const own, system = "files of a run or working folder, which it writes itself", "files of the system"
	return map[string]string{
		"data/input": "it is the opener", "data/folder": own, "model/train": own, "model/train/traintest": "files of tests",
		"cmd/contig-gpu/doctor.go": system, "cmd/contig-gpu/trainrun.go": own, "cmd/contig-gpu/explainwork.go": own,
	}
}

// TestInputsHaveOneOpener: under data, model and cmd nothing else than data/input opens what a user names, so that a FIFO, a device or a file without end is
// refused everywhere alike.
func TestInputsHaveOneOpener(t *testing.T) {
	for _, p := range packages(t) {
		rel := strings.TrimPrefix(p.ImportPath, "contig-gpu/")
		if top, _, _ := strings.Cut(rel, "/"); top != "data" && top != "model" && top != "cmd" || opensItself()[rel] != "" {
			continue
		}
		for _, name := range p.GoFiles {
			if opensItself()[rel+"/"+name] != "" {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				s, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "os" && (s.Sel.Name == "Open" || s.Sel.Name == "ReadFile" || s.Sel.Name == "OpenFile") {
					t.Errorf("%s/%s calls os.%s: inputs are opened by data/input", rel, name, s.Sel.Name)
				}
				return true
			})
		}
	}
}
