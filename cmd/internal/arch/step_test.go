package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A step must be readable on one page: so long may the path be from train.Run to the operation of the loss, and in so many
// files may the functions be that call each other on it.
const (
	maxPath      = 6
	maxPathFiles = 3
	stepFile     = "docs/step.md"
)

// pathLine is a line of docs/step.md that says where the next function of the path is.
var pathLine = regexp.MustCompile("(?m)^[0-9]+\\. `(?:\\w+\\.)?(\\w+)` in ([\\w/]+\\.go)")

// TestPathOfAStep holds the path that docs/step.md shows to the code: each function calls the next by its name.
func TestPathOfAStep(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, stepFile))
	if err != nil {
		t.Fatal(err)
	}
	path := pathLine.FindAllStringSubmatch(string(text), -1)
	if len(path) < 2 || path[0][1] != "Run" || path[len(path)-1][1] != "InfoNCE" {
		t.Fatalf("%s shows no path from Run to InfoNCE: %v", stepFile, path)
	}
	files := map[string]bool{}
	for i, p := range path {
		calls := callsOf(t, p[2], p[1])
		if i+1 == len(path) {
			break
		}
		files[p[2]] = true
		if next := path[i+1][1]; !calls[next] {
			t.Errorf("%s of %s does not call %s", p[1], p[2], next)
		}
	}
	if len(path) > maxPath || len(files) > maxPathFiles {
		t.Errorf("the path has %d functions in %d files, at most %d in %d", len(path), len(files), maxPath, maxPathFiles)
	}
}

// callsOf returns the names of what the functions of a name in a file call themselves, not by a function within.
func callsOf(t *testing.T, file, name string) map[string]bool {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	calls, found := map[string]bool{}, false
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Name.Name != name {
			continue
		}
		found = true
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				switch x := call.Fun.(type) {
				case *ast.SelectorExpr:
					calls[x.Sel.Name] = true
				case *ast.Ident:
					calls[x.Name] = true
				}
			}
			_, within := n.(*ast.FuncLit)
			return !within
		})
	}
	if !found {
		t.Errorf("%s has no function %s", strings.TrimPrefix(file, root), name)
	}
	return calls
}

// A row of a table of docs/step.md names functions, and their files.
var (
	stepRow  = regexp.MustCompile("(?m)^\\| (`[^|]+) \\| ([\\w/., ]+\\.go) \\|")
	function = regexp.MustCompile("`(?:\\w+\\.)?(\\w+)`")
)

// TestStepNamesFunctions: the functions that docs/step.md lists are in the files that it names.
func TestStepNamesFunctions(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, stepFile))
	if err != nil {
		t.Fatal(err)
	}
	rows := stepRow.FindAllStringSubmatch(string(text), -1)
	if len(rows) < 15 {
		t.Fatalf("%d rows of functions were found", len(rows))
	}
	for _, row := range rows {
		var have string
		for _, file := range strings.Split(row[2], ", ") {
			have += sourceOf(t, file)
		}
		for _, f := range function.FindAllStringSubmatch(row[1], -1) {
			if !regexp.MustCompile(`(?m)^func (?:\([^)]*\) )?` + f[1] + `[\[(]`).MatchString(have) {
				t.Errorf("%s has no function %s", row[2], f[1])
			}
		}
	}
}

// sourceOf returns the text of a file of the folders that a step goes through.
func sourceOf(t *testing.T, file string) string {
	t.Helper()
	for _, folder := range []string{"", "model/train", "model/train/engine", "model"} {
		if text, err := os.ReadFile(filepath.Join(root, folder, file)); err == nil {
			return string(text)
		}
	}
	t.Errorf("there is no %s", file)
	return ""
}
