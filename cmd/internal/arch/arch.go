// Package arch holds the project to its own rules: who may import whom, how long a file and a function may
// be, that every exported name is documented, and habits that are refused. Its tests do the work.
package arch

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// Budgets for code written by hand.
const (
	maxFileLines = 400
	maxFuncLines = 60
)

// rules say which of the module's packages those below a path may import, by prefix; the first that matches counts.
func rules() []rule {
	return []rule{
		{"kernels/build", []string{"kernels"}},
		{"kernels", nil},
		{"gpu/internal/", []string{"gpu/internal/", "kernels"}},
		{"gpu", []string{"kernels", "gpu", "gpu/"}},
		{"model/nn/nntest", []string{"model/nn", "gpu", "gpu/gputest/golden"}},
		{"model/nn", []string{"gpu"}},
		{"model/trunk", []string{"gpu", "model/nn"}},
		{"model/objective", []string{"gpu", "model/nn", "model/trunk"}},
		{"model/loss", []string{"gpu"}},
		{"model/optim", []string{"gpu", "model/setting"}},
		{"model/setting", nil},
		{"model/ssl", []string{"model", "model/nn", "model/loss", "model/objective", "model/trunk", "gpu"}},
		{"model/train/traintest", []string{"data", "data/", "model/checkpoint"}},
		{"model/", []string{"model", "model/", "gpu", "gpu/gputest", "data", "data/folder", "data/input"}},
		{"model", []string{"model/nn", "model/loss", "model/objective", "model/setting", "model/trunk", "gpu"}},
		{"data", []string{"data", "data/"}},
		{"cmd", []string{"cmd/internal/", "kernels", "gpu", "gpu/world", "model", "model/", "data", "data/"}},
	}
}

type rule struct {
	from    string
	allowed []string // exact, or a prefix where it ends in "/"
}

// importAllowed says why from may not import path; local tells whether path is of this module.
func importAllowed(from, path string, local bool) error {
	from = strings.TrimPrefix(from, "contig-gpu/")
	top, _, _ := strings.Cut(from, "/")
	switch {
	case path == "unsafe" && top != "gpu":
		return fmt.Errorf("%s imports unsafe, which is for gpu and below", from)
	case path == "C" && !strings.HasPrefix(from, "gpu/internal") && from != "gpu/gorgonia":
		return fmt.Errorf("%s imports C, which is for gpu/internal", from)
	case (path == "net" || strings.HasPrefix(path, "net/") && path != "net/url") && from != "cmd/internal/ranks":
		return fmt.Errorf("%s imports %s, and only cmd/internal/ranks opens sockets", from, path)
	case top == "kernels" && !local && strings.Contains(path, "."):
		return fmt.Errorf("%s imports %s, it may import the standard library only", from, path)
	case !local:
		return nil
	}
	path = strings.TrimPrefix(path, "contig-gpu/")
	for _, r := range rules() {
		if from == r.from || strings.HasPrefix(from, strings.TrimSuffix(r.from, "/")+"/") {
			return within(from, path, r.allowed)
		}
	}
	return fmt.Errorf("%s is in no folder that the rules know", from)
}

func within(from, path string, allowed []string) error {
	for _, a := range allowed {
		if path == a || strings.HasSuffix(a, "/") && strings.HasPrefix(path, a) {
			return nil
		}
	}
	return fmt.Errorf("%s imports %s, which the rules of docs/design.md do not allow", from, path)
}

func checkFuncs(fset *token.FileSet, f *ast.File) []string {
	var bad []string
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if n := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1; n > maxFuncLines {
			bad = append(bad, fmt.Sprintf("func %s has %d lines, at most %d", fn.Name.Name, n, maxFuncLines))
		}
	}
	return bad
}

func checkDocs(f *ast.File) []string {
	var bad []string
	miss := func(name *ast.Ident, doc ...*ast.CommentGroup) {
		for _, d := range doc {
			if d != nil {
				return
			}
		}
		if name.IsExported() {
			bad = append(bad, name.Name+" is exported and not documented")
		}
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || ownDoc(d) {
				miss(d.Name, d.Doc)
			}
		case *ast.GenDecl:
			if enum(d) {
				continue
			}
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					miss(s.Name, s.Doc, s.Comment, d.Doc)
				case *ast.ValueSpec:
					for _, n := range s.Names {
						miss(n, s.Doc, s.Comment, d.Doc)
					}
				}
			}
		}
	}
	return bad
}

// enum reports whether d lists the values of a type, whose comment says what they are.
func enum(d *ast.GenDecl) bool {
	if d.Tok != token.CONST || len(d.Specs) < 2 {
		return false
	}
	first := d.Specs[0].(*ast.ValueSpec)
	return first.Type != nil && len(first.Values) == 1
}

// ownDoc is false for methods of unexported types and for those whose meaning an interface of the standard library fixes.
func ownDoc(d *ast.FuncDecl) bool {
	t := d.Recv.List[0].Type
	if s, ok := t.(*ast.StarExpr); ok {
		t = s.X
	}
	if i, ok := t.(*ast.IndexExpr); ok {
		t = i.X
	}
	id, ok := t.(*ast.Ident)
	fixed := map[string]bool{"String": true, "Error": true, "Unwrap": true, "Len": true, "Less": true, "Swap": true, "Write": true, "Read": true, "Close": true}
	return ok && id.IsExported() && !fixed[d.Name.Name]
}

// checkHabits refuses init functions and programs ended from within.
func checkHabits(file string, f *ast.File) []string {
	var bad []string
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				bad = append(bad, "func init")
			}
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if !ok {
				break
			}
			call := x.Name + "." + n.Sel.Name
			isMain := f.Name.Name == "main" && file == "main.go"
			if strings.HasPrefix(call, "log.Fatal") || call == "os.Exit" && !isMain {
				bad = append(bad, call)
			}
		}
		return true
	})
	return bad
}
