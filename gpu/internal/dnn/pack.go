package dnn

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A Pack holds plans that were made without the GPU that they are for: a zip file with a file for each Problem, in which
// are the library's first proposals, for a GPU to time. Making a plan of it takes milliseconds; making it of its
// proposal takes a second where it is compiled at run time. A Pack is for one version of the library and one kind of GPU: plans
// made for one with the same compute capability, number of multiprocessors and driver version load.
type Pack struct {
	path string
	zip  *zip.Reader
}

// PackHead says what a Pack is for. It is its file pack.json.
type PackHead struct {
	Format     int    `json:"format"`
	Library    string `json:"library"` // version of cuDNN, "9.26.0"
	Arch       int    `json:"arch"`
	Multiprocs int    `json:"multiprocessors"`
	Made       string `json:"made"` // for which encoder, images and GPU, in words
}

const packHead = "pack.json"

// A packed file is what a Pack holds of a Problem.
type packed struct {
	Problem Problem `json:"problem"`
	Plans   []Saved `json:"plans"`
}

// PacksEnv may name files of packs, separated like PATH. Without it the program looks into the folder plans beside its own file.
const PacksEnv = "CONTIG_PLAN_PACKS"

// packFiles returns the files of the packs that there are.
func packFiles() []string {
	if list := os.Getenv(PacksEnv); list != "" {
		return filepath.SplitList(list)
	}
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	folder := filepath.Join(filepath.Dir(self), "plans")
	entries, _ := os.ReadDir(folder) // mostly there is none
	var files []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".zip") {
			files = append(files, filepath.Join(folder, e.Name()))
		}
	}
	return files
}

// openPacks opens the packs that are for a GPU and version. The error names those that are not, and why.
func openPacks(files []string, want PackHead) (all []*Pack, err error) {
	for _, f := range files {
		p, e := openPack(f, want)
		if e != nil {
			err = errors.Join(err, fmt.Errorf("the plans in %s are not used: %w", f, e))
			continue
		}
		all = append(all, p)
	}
	return all, err
}

func openPack(path string, want PackHead) (*Pack, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	z, err := zip.NewReader(strings.NewReader(string(b)), int64(len(b)))
	if err != nil {
		return nil, err
	}
	p := &Pack{path, z}
	var head PackHead
	if err := p.read(packHead, &head); err != nil {
		return nil, err
	}
	head.Made = want.Made
	if head != want {
		return nil, fmt.Errorf("they are of cuDNN %s for compute capability %d.%d with %d multiprocessors, format %d; here it is cuDNN %s, %d.%d, %d, format %d",
			head.Library, head.Arch/10, head.Arch%10, head.Multiprocs, head.Format, want.Library, want.Arch/10, want.Arch%10, want.Multiprocs, want.Format)
	}
	return p, nil
}

// read decodes one of the files.
func (p *Pack) read(name string, into any) error {
	f, err := p.zip.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return json.NewDecoder(f).Decode(into)
}

// plans returns what a pack holds of a Problem, mostly nothing.
func (p *Pack) plans(q Problem) ([]Saved, error) {
	var f packed
	err := p.read(q.file(), &f)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("the plans in %s, %s: %w", p.path, q.file(), err)
	case f.Problem != q:
		return nil, fmt.Errorf("the plans in %s, %s: they are for %s", p.path, q.file(), f.Problem)
	}
	return f.Plans, nil
}

// A PackWriter writes a Pack.
type PackWriter struct{ zip *zip.Writer }

// NewPackWriter begins a Pack; Close ends it.
func NewPackWriter(w io.Writer, head PackHead) (*PackWriter, error) {
	p := &PackWriter{zip.NewWriter(w)}
	head.Format = cacheFormat
	return p, p.write(packHead, head)
}

// Add writes the plans of a Problem.
func (p *PackWriter) Add(q Problem, plans []Saved) error {
	return p.write(q.file(), packed{q, plans})
}

func (p *PackWriter) write(name string, v any) error {
	f, err := p.zip.Create(name)
	if err != nil {
		return err
	}
	return json.NewEncoder(f).Encode(v)
}

// Close writes the list of files. The writer below stays open.
func (p *PackWriter) Close() error { return p.zip.Close() }
