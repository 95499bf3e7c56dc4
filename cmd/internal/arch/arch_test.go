package arch

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root is the module's folder, seen from this package.
const root = "../../.."

type pkg struct {
	ImportPath, Dir          string
	Standard                 bool
	Imports, GoFiles         []string
	CgoFiles, IgnoredGoFiles []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles,CgoFiles,IgnoredGoFiles", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestImports(t *testing.T) {
	all := packages(t)
	module := map[string]bool{}
	for _, p := range all {
		module[p.ImportPath] = true
	}
	for _, p := range all {
		for _, i := range p.Imports {
			if err := importAllowed(p.ImportPath, i, module[i]); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestRulesRefuse(t *testing.T) {
	for _, c := range [][2]string{
		{"contig-gpu/kernels", "contig-gpu/gpu"}, {"contig-gpu/gpu", "contig-gpu/model"}, {"contig-gpu/model/nn", "contig-gpu/data"},
		{"contig-gpu/model", "contig-gpu/data"}, {"contig-gpu/model/train", "contig-gpu/data/cohort"}, {"contig-gpu/data/cohort", "contig-gpu/gpu"},
		{"contig-gpu/data", "contig-gpu/model"}, {"contig-gpu/model", "unsafe"}, {"contig-gpu/data/plink", "C"}, {"contig-gpu/gpu", "contig-gpu/cmd/internal/report"},
		{"contig-gpu/model/train", "net"}, {"contig-gpu/cmd/contig-gpu", "net/http"},
	} {
		if importAllowed(c[0], c[1], strings.HasPrefix(c[1], "contig-gpu/")) == nil {
			t.Errorf("%s may import %s", c[0], c[1])
		}
	}
	for _, c := range [][2]string{
		{"contig-gpu/gpu", "contig-gpu/gpu/internal/cpukern"}, {"contig-gpu/model/train", "contig-gpu/data"}, {"contig-gpu/model/train", "contig-gpu/model/nn"},
		{"contig-gpu/cmd/contig-gpu", "contig-gpu/model/train"}, {"contig-gpu/cmd/internal/ranks", "net"}, {"contig-gpu/cmd/contig-gpu", "net/url"}, {"contig-gpu/gpu", "unsafe"}, {"contig-gpu/data/cohort", "contig-gpu/data/plink"},
	} {
		if err := importAllowed(c[0], c[1], strings.HasPrefix(c[1], "contig-gpu/")); err != nil {
			t.Error(err)
		}
	}
}

func TestTopLevelFolders(t *testing.T) {
	want := []string{"cmd", "data", "gpu", "kernels", "model"}
	for _, p := range packages(t) {
		rel := strings.TrimPrefix(p.ImportPath, "contig-gpu/")
		if top, _, _ := strings.Cut(rel, "/"); !slices.Contains(want, top) {
			t.Errorf("package %s is outside %v", p.ImportPath, want)
		}
	}
}

// TestSources holds every file that is not a test to the size and documentation rules.
func TestSources(t *testing.T) {
	for _, p := range packages(t) {
		for _, name := range slices.Concat(p.GoFiles, p.CgoFiles, p.IgnoredGoFiles) {
			path := filepath.Join(p.Dir, name)
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			for _, complaint := range checkFile(t, strings.TrimPrefix(p.ImportPath, "contig-gpu/"), path) {
				t.Errorf("%s: %s", path, complaint)
			}
		}
	}
}

func checkFile(t *testing.T, pkg, path string) []string {
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, path, src, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	if ast.IsGenerated(f) {
		return nil
	}
	var bad []string
	if n := strings.Count(string(src), "\n"); n > maxFileLines {
		bad = append(bad, fmt.Sprintf("%d lines, at most %d", n, maxFileLines))
	}
	bad = append(bad, checkFuncs(fset, f)...)
	bad = append(bad, checkDocs(f)...)
	bad = append(bad, checkVariables(pkg+"/"+filepath.Base(path), f)...)
	return append(bad, checkHabits(filepath.Base(path), f)...)
}

// TestVariablesRefused: what the rule of package variables lets stand, and what not.
func TestVariablesRefused(t *testing.T) {
	for decl, want := range map[string]int{
		`var a = errors.New("x")`: 0, "var a = regexp.MustCompile(`x`)": 0, "var _ = f()": 0, "//go:embed x\nvar a string": 0,
		"//go:embed x\nvar a embed.FS": 0, "const a = 1": 0, "func f() { var a int; _ = a }": 0,
		"var a int": 1, "var a = 1": 1, "var a, b = f()": 2, "var a = map[int]int{}": 1, "var a = []int{1}": 1, "var a sync.Once": 1,
		"//go:embed x\nvar a []byte": 1, "var ( a = errors.New(`x`); b = f() )": 1, "var a string": 1,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+decl, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if bad := checkVariables("x/x.go", f); len(bad) != want {
			t.Errorf("%s: %q, want %d complaints", decl, bad, want)
		}
	}
}
