package dnn

import (
	"archive/zip"
	"bytes"
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
// proposal takes a second where it is compiled at run time. A Pack is for one version of the library and one kind of GPU: the library
// loads plans that were made for one with the same compute capability, number of multiprocessors and CUDA version of the driver.
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
	Driver     int    `json:"driver"` // its CUDA version, 13000 for 13.0
	Made       string `json:"made"`   // for which encoder, images and GPU, in words
}

const packHead = "pack.json"

// A packed file is what a Pack holds of a Problem.
type packed struct {
	Problem Problem `json:"problem"`
	Plans   []Saved `json:"plans"`
}

// PacksEnv may name files of packs, separated like PATH. Without it the program looks into the folder plans beside its own file.
const PacksEnv = "CONTIG_PLAN_PACKS"

// packFiles returns the files of the packs that there are, and whether the user named them.
func packFiles() (files []string, named bool) {
	if list := os.Getenv(PacksEnv); list != "" {
		return filepath.SplitList(list), true
	}
	self, err := os.Executable()
	if err != nil {
		return nil, false
	}
	folder := filepath.Join(filepath.Dir(self), "plans")
	entries, _ := os.ReadDir(folder) // mostly there is none
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".zip") {
			files = append(files, filepath.Join(folder, e.Name()))
		}
	}
	return files, false
}

// openPacks opens packs for a GPU and version: the files given, or where that is nil those of packFiles. The error tells in one line
// which are not used and why. Packs for another GPU may lie beside the program; only where they were named they are an error.
func openPacks(files []string, want PackHead) (all []*Pack, err error) {
	named := true
	if files == nil {
		files, named = packFiles()
	}
	var unused []string
	for _, f := range files {
		p, e := openPack(f, want)
		var other *otherGPU
		switch {
		case e == nil:
			all = append(all, p)
		case named || !errors.As(e, &other):
			unused = append(unused, fmt.Sprintf("%s: %v", f, e))
		}
	}
	if len(unused) > 0 {
		err = fmt.Errorf("cuDNN: packs of plans are not used: %s", strings.Join(unused, "; "))
	}
	return all, err
}

func openPack(path string, want PackHead) (*Pack, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	p := &Pack{path, z}
	var head PackHead
	if err := p.read(packHead, &head); err != nil {
		return nil, err
	}
	return p, head.suits(want)
}

// An otherGPU is the refusal of a pack for another kind of GPU.
type otherGPU struct{ is, want PackHead }

func (e *otherGPU) Error() string {
	return fmt.Sprintf("it is for compute capability %d.%d with %d multiprocessors, this GPU has %d.%d with %d", e.is.Arch/10, e.is.Arch%10, e.is.Multiprocs,
		e.want.Arch/10, e.want.Arch%10, e.want.Multiprocs)
}

// suits says why a pack is not for a GPU, version and driver, or nil.
func (h PackHead) suits(want PackHead) error {
	switch {
	case h.Arch != want.Arch || h.Multiprocs != want.Multiprocs:
		return &otherGPU{h, want}
	case h.Library != want.Library:
		return fmt.Errorf("it is of cuDNN %s, here it is %s", h.Library, want.Library)
	case h.Driver != want.Driver:
		return fmt.Errorf("it is for a driver of CUDA %d.%d, here it is %d.%d", h.Driver/1000, h.Driver%1000/10, want.Driver/1000, want.Driver%1000/10)
	case h.Format != want.Format:
		return fmt.Errorf("it has format %d, this program reads %d", h.Format, want.Format)
	}
	return nil
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
