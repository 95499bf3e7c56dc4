package arch

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// held says why a package variable that changes may stay, by its file and name.
func held() map[string]string {
	const why = "a library is opened once per process, as its functions stand in one table of C; behind a lock"
	return map[string]string{
		"gpu/gputest/keep.go keepGPUs":             "a GPU's context lives while something in the process holds it, and tests of one process share it; behind a lock",
		"gpu/internal/blas/load.go table":          why,
		"gpu/internal/cuda/load.go driverTable":    why,
		"gpu/internal/cuda/nvrtc.go compilerTable": why,
		"gpu/internal/dl/places.go python":         "python3 takes seconds to start and is asked once per process; behind a lock",
		"gpu/internal/dnn/load.go table":           why,
		"gpu/internal/mpi/load.go table":           why,
		"gpu/internal/nccl/load.go table":          why,
	}
}

// checkVariables refuses package variables that something could change. What may stay is made by a function whose results do
// not change, is embedded by the compiler as text or files, or has no name.
func checkVariables(path string, f *ast.File) []string {
	var bad []string
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			for i, n := range v.Names {
				if n.Name != "_" && !constant(v, i) && !embedded(g, v) && held()[path+" "+n.Name] == "" {
					bad = append(bad, fmt.Sprintf("the package variable %s can change: make it a constant, a function, or a field", n.Name))
				}
			}
		}
	}
	return bad
}

// constant reports whether value i of a declaration is made by one of those functions.
func constant(v *ast.ValueSpec, i int) bool {
	if len(v.Values) != len(v.Names) {
		return false
	}
	call, ok := v.Values[i].(*ast.CallExpr)
	if !ok {
		return false
	}
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := f.X.(*ast.Ident)
	return ok && (x.Name == "errors" && f.Sel.Name == "New" || x.Name == "regexp" && f.Sel.Name == "MustCompile")
}

// embedded reports whether a declaration is a go:embed of a string or an embed.FS, which cannot be written to.
func embedded(g *ast.GenDecl, v *ast.ValueSpec) bool {
	for _, doc := range []*ast.CommentGroup{g.Doc, v.Doc} {
		if doc == nil {
			continue
		}
		for _, c := range doc.List {
			if !strings.HasPrefix(c.Text, "//go:embed ") {
				continue
			}
			switch t := v.Type.(type) {
			case *ast.Ident:
				return t.Name == "string"
			case *ast.SelectorExpr:
				return t.Sel.Name == "FS"
			}
		}
	}
	return false
}
