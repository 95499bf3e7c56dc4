package golden

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

//go:embed testdata/*.json testdata/*.safetensors
var repository embed.FS

// A Folder is a folder of golden cases: the repository's own, or the one that $CONTIG_GOLDEN names.
type Folder struct {
	Name  string // "testdata" for the repository's own
	files fs.FS
}

// Folders returns the folders that hold file.json: the repository's own, which every test binary carries, and $CONTIG_GOLDEN, by
// default ../shared/golden beside the module where that is. It skips the test if no folder holds the file.
func Folders(t testing.TB, file string) []Folder {
	t.Helper()
	folders, err := open(os.Getenv("CONTIG_GOLDEN"), moduleRoot())
	if err == nil {
		folders, err = having(folders, file)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(folders) == 0 {
		t.Skipf("no folder of golden cases has a %s.json: set $CONTIG_GOLDEN to one that has", file)
	}
	return folders
}

// having returns those of the folders that hold file.json.
func having(folders []Folder, file string) ([]Folder, error) {
	var found []Folder
	for _, f := range folders {
		_, err := fs.Stat(f.files, file+".json")
		if err == nil {
			found = append(found, f)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("folder %s of golden cases: %w", f.Name, err)
		}
	}
	return found, nil
}

// open returns every folder there is: the repository's own, and dir, by default ../shared/golden seen from the module's root. Only the
// default may be absent.
func open(dir, root string) ([]Folder, error) {
	own, err := fs.Sub(repository, "testdata")
	if err != nil {
		return nil, err
	}
	folders := []Folder{{"testdata", own}}
	if dir == "" {
		dir = filepath.Join(root, "..", "shared", "golden")
		if _, err := os.Stat(dir); root == "" || err != nil {
			return folders, nil
		}
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("$CONTIG_GOLDEN is %s, which is no folder", dir)
	}
	return append(folders, Folder{filepath.Base(dir), os.DirFS(dir)}), nil
}

// moduleRoot returns the folder of go.mod, the working directory or above it; "" where there is none, as on a machine that only
// runs test binaries.
func moduleRoot() string {
	dir, err := os.Getwd()
	for err == nil && dir != filepath.Dir(dir) {
		if _, e := os.Stat(filepath.Join(dir, "go.mod")); e == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	return ""
}

// JSON decodes file.json into v.
func (f Folder) JSON(t testing.TB, file string, v any) {
	t.Helper()
	b, err := fs.ReadFile(f.files, file+".json")
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		t.Fatalf("%s/%s.json: %v", f.Name, file, err)
	}
}

// Seed returns the name that all values of the folder are derived from.
func (f Folder) Seed(t testing.TB) string {
	t.Helper()
	var about struct{ Seed string }
	f.JSON(t, "about", &about)
	return about.Seed
}

// Cases returns the cases of file.json in every folder that holds it, each with its tensors of file.safetensors. It skips the test
// if no folder holds the file, and fails it if one that does lists no case.
func Cases(t testing.TB, file string) []Case {
	t.Helper()
	var cases []Case
	for _, f := range Folders(t, file) {
		cs := f.cases(t, file)
		if len(cs) == 0 {
			t.Fatalf("%s/%s.json lists no cases", f.Name, file)
		}
		cases = append(cases, cs...)
	}
	return cases
}

func (f Folder) cases(t testing.TB, file string) []Case {
	t.Helper()
	var list struct{ Cases []json.RawMessage }
	f.JSON(t, file, &list)
	tensors := f.tensors(t, file)
	var cases []Case
	for _, raw := range list.Cases {
		c := Case{Folder: f, raw: raw, tensors: tensors}
		c.Attr(t, "name", &c.Name)
		cases = append(cases, c)
	}
	return cases
}

// tensors returns what file.safetensors holds, nothing where it is absent: a file may do without.
func (f Folder) tensors(t testing.TB, file string) map[string]Tensor {
	t.Helper()
	b, err := fs.ReadFile(f.files, file+".safetensors")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var tensors map[string]Tensor
	if err == nil {
		tensors, err = readTensors(b)
	}
	if err != nil {
		t.Fatalf("%s/%s.safetensors: %v", f.Name, file, err)
	}
	return tensors
}
