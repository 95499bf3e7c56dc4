package planned

import (
	"errors"
	"slices"
	"strings"

	"contig-gpu/gpu/internal/blas"
	"contig-gpu/gpu/internal/convolution"
	"contig-gpu/gpu/internal/dnn"
	"contig-gpu/gpu/internal/driver"
)

// A Described is a GPU of which only the shape is known. What convolutions work in is looked up in what cuDNN answered
// without a GPU, in batches of 64, where it was asked for this GPU; else only the GPU can tell, and it is taken for 0.
type Described struct {
	Device
	Name    string // its name in dnn.GPUs, "" where it is none of them
	info    driver.Info
	product int    // bytes that every product is taken to work in
	CuDNN   string // version that was asked, "" where it was not
	table   []dnn.Workspace
	asked   map[convPass]answer // nil where nothing can be looked up
}

type convPass struct {
	conv driver.Conv
	pass convolution.Pass
}

// An answer is what is known of a convolution's scratch memory.
type answer struct {
	bytes int
	kind  int // one of the following
}

// What is known of a convolution's scratch memory, and places in Answers.
const (
	Known   = iota // cuDNN was asked for it as it is
	Scaled         // cuDNN was asked for it in another batch: its bytes, in proportion to the batch
	Unknown        // cuDNN was not asked for it: taken for 0
)

// Absent is a GPU that is not there: an H100 SXM by public figures (NVIDIA H100 Tensor Core GPU Architecture, table 3). A
// product is taken to work in as much as it may.
func Absent() *Described {
	return &Described{product: blas.WorkspaceLimit, info: driver.Info{Name: "an H100 that is not here", Arch: 90, Multiprocs: 132,
		Memory: 80 << 30, SharedPerBlock: 227 << 10, L2: 50 << 20}}
}

// Shape is a GPU of which nothing is asked, as far as info says.
func Shape(info driver.Info) *Described { return &Described{info: info} }

// Open describes a GPU by its name.
func Open(name string) (*Described, error) {
	if !slices.Contains(dnn.GPUs(), name) {
		return nil, errors.New("the GPUs to plan for are cuda, " + strings.Join(dnn.GPUs(), ", "))
	}
	d := &Described{Name: name, product: blas.WorkspaceLimit, asked: map[convPass]answer{}}
	var err error
	if d.info, err = dnn.GPUInfo(name); err != nil {
		return nil, err
	}
	if d.CuDNN, d.table, err = dnn.Workspaces(name); err != nil {
		return nil, err
	}
	return d, nil
}

// Caps are those of a GPU with cuBLASLt, which adds every bias, and cuDNN, which has the sums on tensor cores alone.
func (d *Described) Caps() driver.Caps {
	return driver.Caps{Halves: true, Overlap: overlap{}, Stats: described{}, Norms: describedNorms{arch: d.info.Arch}, AddsWeights: func(c driver.Conv) bool {
		_, product := c.WeightProduct()
		return c.Type != driver.F32 && !product
	}}
}

// described says which sums pay.
type described struct{ stats }

func (described) StatsPay(c driver.Conv, _ func(driver.Device, driver.Ptr) error) bool {
	return c.Type != driver.F32 || c.TF32
}

// describedNorms says which norms pay on a GPU of a compute capability: those that cuDNN has precompiled.
type describedNorms struct {
	norms
	arch int
}

// near reports whether a window and its channels are those of plans.
func (describedNorms) near(c driver.Conv) bool {
	return c.Type == driver.F16 && c.R <= 3 && c.S <= 3 && c.C%8 == 0
}

func (n describedNorms) NormPays(c driver.Conv, _ func(driver.Device, driver.Ptr, driver.Ptr) error) bool {
	return n.near(c) && n.arch < 100
}

// NormAddPays implements driver.Norms.
func (n describedNorms) NormAddPays(c driver.Conv, _ func(driver.Device, driver.Ptr, driver.Ptr, driver.Ptr) error) bool {
	return n.near(c) && n.arch == 90 && c.R == 1 && c.S == 1 && c.Stride == 1
}

// NormDataPays implements driver.Norms: on other GPUs such plans want hundreds of megabytes of workspace.
func (n describedNorms) NormDataPays(c driver.Conv, add bool, _ func(driver.Device, driver.Ptr, driver.Ptr) error) bool {
	return n.near(c) && n.arch == 90 && (c.Stride == 1 || !add)
}

// Info is what is known.
func (d *Described) Info() driver.Info { return d.info }

// MemInfo is what is known.
func (d *Described) MemInfo() (free, total int) { return d.info.Memory, d.info.Memory }

// MatMulScratch is what is known.
func (d *Described) MatMulScratch(driver.Product) int { return d.product }

// ConvScratch implements driver.Convolutions.
func (d *Described) ConvScratch(c driver.Conv, p convolution.Pass) int {
	if d.asked == nil {
		return 0
	}
	a, ok := d.asked[convPass{c, p}]
	if !ok {
		a = d.look(c, p)
		d.asked[convPass{c, p}] = a
	}
	return a.bytes
}

// look finds a convolution in the table, in its own batch or else the largest in proportion. A gradient of weights that is a product
// takes what a product may.
func (d *Described) look(c driver.Conv, p convolution.Pass) answer {
	if _, product := c.WeightProduct(); product && p == convolution.Weight && c.Type != driver.F32 {
		return answer{d.product, Known}
	}
	a := answer{kind: Unknown}
	for _, w := range d.table {
		n := w.Conv.N
		if w.Conv.N = c.N; w.Conv != c {
			continue
		}
		if n == c.N {
			return answer{w.Of(p), Known}
		}
		a = answer{max(a.bytes, (w.Of(p)*c.N+n-1)/n), Scaled}
	}
	return a
}

// Asked calls f for every pass of a convolution that it was asked for, in any order.
func (d *Described) Asked(f func(c driver.Conv, p convolution.Pass)) {
	for c := range d.asked {
		f(c.conv, c.pass)
	}
}

// Answers counts the passes whose scratch memory is known, scaled or unknown.
func (d *Described) Answers() (n [3]int) {
	for _, a := range d.asked {
		n[a.kind]++
	}
	return n
}
