package kernels

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// The image is not in version control: `make kernels` writes it here, and a build without it compiles the kernels
// at run time.
//
//go:embed image
var images embed.FS

// manifestName is the file that says what an image was made of; Image wants it to match the sources.
const manifestName = "manifest.json"

// A Manifest describes an image.
type Manifest struct {
	Sources  string // Hash of the sources it was compiled from
	Compiler string // what compiled it
	File     string // the image, beside the manifest: a fat binary
	Cubins   []int  // architectures that it has machine code for: 80 for compute capability 8.0
	PTX      int    // architecture of its PTX, from which a driver makes code for that one and all later; 0: none
}

// ErrNoImage is returned by Image for a build without kernels, or without any for the GPU.
var ErrNoImage = errors.New("no compiled kernels for the GPU in this program")

// ErrStaleImage is returned by Image when the kernels were changed after the image was built.
var ErrStaleImage = errors.New("the compiled kernels in this program are not those of its sources: run make kernels and build again")

// Image returns the compiled kernels for a GPU of compute capability arch (90 for 9.0): a fat binary that the
// driver loads.
func Image(arch int) ([]byte, error) { return imageIn(images, "image", Hash(), arch) }

func imageIn(files fs.FS, folder, hash string, arch int) ([]byte, error) {
	text, err := fs.ReadFile(files, folder+"/"+manifestName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: it was built without", ErrNoImage)
	}
	if err != nil {
		return nil, err
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", manifestName, err)
	}
	if m.Sources != hash {
		return nil, ErrStaleImage
	}
	if !m.Serves(arch) {
		return nil, fmt.Errorf("%w: it has %v and PTX %d, the GPU is %d", ErrNoImage, m.Cubins, m.PTX, arch)
	}
	return fs.ReadFile(files, folder+"/"+m.File)
}

// Serves reports whether an image runs on a GPU of compute capability arch: machine code does from its own minor
// version on, within its major one.
func (m Manifest) Serves(arch int) bool {
	for _, a := range m.Cubins {
		if a/10 == arch/10 && a <= arch {
			return true
		}
	}
	return m.PTX != 0 && m.PTX <= arch
}
