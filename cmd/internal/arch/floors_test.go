package arch

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the picture of the floors to docs/design.md")

// The picture stands between these lines of the design.
const (
	designFile  = "docs/design.md"
	floorsBegin = "<!-- floors: written by go test ./cmd/internal/arch -run TestFloors -update -->\n"
	floorsEnd   = "<!-- end of floors -->"
)

// floors are the rows of the picture, the highest first. A package stands on the floor that has the longest of its folders.
func floors() []floor {
	return []floor{
		{"program", []string{"cmd"}},
		{"training", []string{"model/explain/decoys", "model/train", "model/finetune", "model/downstream", "model/measure", "model/eval", "model/checkpoint", "model/build"}},
		{"objectives", []string{"model"}}, // and what is below model and on no other floor
		{"networks", []string{"model/nn", "model/trunk", "model/optim", "model/setting"}},
		{"devices", []string{"gpu", "kernels"}},
		{"data", []string{"data"}},
	}
}

type floor struct {
	name    string
	folders []string
}

// floorOf returns the place of a package's floor, 0 the highest; -1: it has none.
func floorOf(path string) int {
	at, longest := -1, ""
	for i, f := range floors() {
		for _, folder := range f.folders {
			if (path == folder || strings.HasPrefix(path, folder+"/")) && len(folder) > len(longest) {
				at, longest = i, folder
			}
		}
	}
	return at
}

// localImports returns what each of the module's packages imports of the others, as built for linux/amd64 with cgo.
func localImports(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-tags=", "-json=ImportPath,Imports", "./...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string][]string{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		var local []string
		for _, i := range p.Imports {
			if path, ok := strings.CutPrefix(i, "contig-gpu/"); ok {
				local = append(local, path)
			}
		}
		all[strings.TrimPrefix(p.ImportPath, "contig-gpu/")] = local
	}
}

// reaches reports whether from imports to, at once or through others.
func reaches(imports map[string][]string, from, to string) bool {
	return slices.ContainsFunc(imports[from], func(i string) bool { return i == to || reaches(imports, i, to) })
}

// direct returns the imports of a package that none of its other imports brings along.
func direct(imports map[string][]string, of string) []string {
	return slices.DeleteFunc(slices.Clone(imports[of]), func(to string) bool {
		return slices.ContainsFunc(imports[of], func(i string) bool { return reaches(imports, i, to) })
	})
}

// picture draws the floors, on each the packages that import most of the others first.
func picture(imports map[string][]string) string {
	height := func(path string) (n int) {
		for other := range imports {
			if reaches(imports, path, other) {
				n++
			}
		}
		return n
	}
	var b strings.Builder
	b.WriteString("```text\n")
	for i, f := range floors() {
		fmt.Fprintln(&b, f.name)
		paths := slices.DeleteFunc(slices.Collect(maps.Keys(imports)), func(p string) bool { return floorOf(p) != i })
		slices.SortFunc(paths, func(x, y string) int { return cmp.Or(height(y)-height(x), strings.Compare(x, y)) })
		for _, p := range paths {
			fmt.Fprintln(&b, strings.TrimRight(fmt.Sprintf("  %-30s %s", p, strings.Join(direct(imports, p), ", ")), " "))
		}
	}
	b.WriteString("```\n")
	return b.String()
}

// TestFloors holds the picture in the design to the code, or writes it there.
func TestFloors(t *testing.T) {
	path := filepath.Join(root, designFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), floorsBegin)
	have, after, ends := strings.Cut(rest, floorsEnd)
	if !begins || !ends {
		t.Fatalf("%s lacks the lines %q and %q", designFile, floorsBegin, floorsEnd)
	}
	want := picture(localImports(t))
	if *update {
		if err := os.WriteFile(path, []byte(before+floorsBegin+want+floorsEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if have != want {
		t.Errorf("the floors in %s are not those of the code: go test ./cmd/internal/arch -run TestFloors -update writes them\nwant\n%s", designFile, want)
	}
}

// TestFloorsStand holds every package to its floor and those below it.
func TestFloorsStand(t *testing.T) {
	for path, imports := range localImports(t) {
		if floorOf(path) < 0 {
			t.Errorf("%s is on no floor", path)
		}
		for _, i := range imports {
			if floorOf(i) < floorOf(path) {
				t.Errorf("%s, of the floor %s, imports %s of the floor %s above it", path, floors()[floorOf(path)].name, i, floors()[floorOf(i)].name)
			}
		}
	}
}
