package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// files parses the files of a folder of the module that match a pattern, by base name.
func files(t *testing.T, folder, pattern string) map[string]*ast.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, folder, pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s of %s: %v, %v", pattern, folder, paths, err)
	}
	all := map[string]*ast.File{}
	for _, p := range paths {
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(p)] = f
	}
	return all
}

// operations returns the functions of package gpu that write a tensor: exported, a Tensor first, no result; and their files.
func operations(t *testing.T) map[string]string {
	ops := map[string]string{}
	for name, f := range files(t, "gpu", "*.go") {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || !fn.Name.IsExported() || fn.Type.Results != nil || len(fn.Type.Params.List) == 0 {
				continue
			}
			if first, ok := fn.Type.Params.List[0].Type.(*ast.Ident); ok && first.Name == "Tensor" {
				ops[fn.Name.Name] = name
			}
		}
	}
	return ops
}

// moved are operations that move values and compute none: they stand with what they move to and from, and every test calls them.
func moved() []string { return []string{"Fill", "Copy", "Write"} }

// TestOperationsStandInTheirFiles: an operation is found by the prefix of its file.
func TestOperationsStandInTheirFiles(t *testing.T) {
	ops := operations(t)
	for _, name := range moved() {
		delete(ops, name)
	}
	if len(ops) < 30 {
		t.Errorf("%d operations were found: the pattern no longer fits the code", len(ops))
	}
	for name, file := range ops {
		if !strings.HasPrefix(file, "op_") {
			t.Errorf("the operation %s is in gpu/%s, want a file op_*.go", name, file)
		}
	}
}

// TestOperationsConform: the conformance suite, which compares devices, calls every operation.
func TestOperationsConform(t *testing.T) {
	called := map[string]bool{}
	for _, f := range files(t, "gpu", "conformance*_test.go") {
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "gpu" {
					called[s.Sel.Name] = true
				}
			}
			return true
		})
	}
	for name, file := range operations(t) {
		if !called[name] {
			t.Errorf("the operation %s of gpu/%s is in no conformance_*_test.go", name, file)
		}
	}
}

// TestFileNames refuses names that say nothing of what is in a file, and those in another form.
func TestFileNames(t *testing.T) {
	for _, p := range packages(t) {
		for _, name := range append(p.GoFiles, p.CgoFiles...) {
			stem := strings.TrimSuffix(name, ".go")
			for _, word := range strings.Split(stem, "_") {
				switch word {
				case "util", "utils", "common", "helper", "helpers", "misc", "base", "new", "old", "tmp":
					t.Errorf("%s/%s: %q says nothing of what is in it", p.ImportPath, name, word)
				}
			}
			if stem != strings.ToLower(stem) || strings.Contains(stem, "-") {
				t.Errorf("%s/%s: want lower case, and _ between words", p.ImportPath, name)
			}
		}
	}
}
