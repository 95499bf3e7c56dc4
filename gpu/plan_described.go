package gpu

import (
	"errors"
	"slices"
	"strings"

	"contig-gpu/gpu/internal/blas"
	"contig-gpu/gpu/internal/dnn"
	"contig-gpu/gpu/internal/driver"
)

// PlannedGPUs returns the names of GPUs that Open plans for without having them, as "plan:h200", and of which it is
// known what cuDNN works in.
func PlannedGPUs() []string { return dnn.GPUs() }

// A described is a GPU of which only the shape is known. What convolutions work in is looked up in what cuDNN answered
// without a GPU, in batches of 64, where it was asked for this GPU; else only the GPU can tell, and it is taken for 0.
type described struct {
	plannedOverlap
	name    string // its name in PlannedGPUs, "" where it is none of them
	info    driver.Info
	product int    // bytes that every product is taken to work in
	cudnn   string // version that was asked, "" where it was not
	table   []dnn.Workspace
	asked   map[convPass]answer // nil where nothing can be looked up
}

type convPass struct {
	driver.Conv
	driver.ConvPass
}

// An answer is what is known of a convolution's scratch memory.
type answer struct {
	bytes int
	kind  int // one of the following
}

const (
	known   = iota // cuDNN was asked for it as it is
	scaled         // cuDNN was asked for it in another batch: its bytes, in proportion to the batch
	unknown        // cuDNN was not asked for it: taken for 0
)

// absent is a GPU that is not there: an H100 SXM by public figures (NVIDIA H100 Tensor Core GPU Architecture, table 3). A
// product is taken to work in as much as it may.
func absent() *described {
	return &described{product: blas.WorkspaceLimit, info: driver.Info{Name: "an H100 that is not here", Arch: 90, Multiprocs: 132,
		Memory: 80 << 30, SharedPerBlock: 227 << 10, L2: 50 << 20}}
}

// openPlanned returns a planning device for a GPU by its name.
func openPlanned(name string) (*Device, error) {
	if !slices.Contains(PlannedGPUs(), name) {
		return nil, errors.New("the GPUs to plan for are cuda, " + strings.Join(PlannedGPUs(), ", "))
	}
	d := &described{name: name, product: blas.WorkspaceLimit, asked: map[convPass]answer{}}
	var err error
	if d.info, err = dnn.GPUInfo(name); err != nil {
		return nil, err
	}
	if d.cudnn, d.table, err = dnn.Workspaces(name); err != nil {
		return nil, err
	}
	return planDevice(d), nil
}

func (d *described) Info() driver.Info { return d.info }

func (d *described) MemInfo() (free, total int) { return d.info.Memory, d.info.Memory }

func (d *described) MatMulScratch(driver.Product) int { return d.product }

// StatsPay implements convStatist. cuDNN has the sums on tensor cores alone.
func (d *described) StatsPay(c driver.Conv) bool { return c.Type != driver.F32 || c.TF32 }

// AddsWeights implements weightAdder.
func (d *described) AddsWeights(c driver.Conv) bool {
	_, product := c.WeightProduct()
	return c.Type != driver.F32 && !product
}

// ConvScratch implements driver.Convolutions.
func (d *described) ConvScratch(c driver.Conv, p driver.ConvPass) int {
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
func (d *described) look(c driver.Conv, p driver.ConvPass) answer {
	if _, product := c.WeightProduct(); product && p == driver.PassWeight && c.Type != driver.F32 {
		return answer{d.product, known}
	}
	a := answer{kind: unknown}
	for _, w := range d.table {
		n := w.Conv.N
		if w.Conv.N = c.N; w.Conv != c {
			continue
		}
		if n == c.N {
			return answer{w.Of(p), known}
		}
		a = answer{max(a.bytes, (w.Of(p)*c.N+n-1)/n), scaled}
	}
	return a
}

// described returns the GPU that a device plans for without having it, else nil.
func (d *Device) described() *described {
	if d.gpu == nil {
		return nil
	}
	if p, ok := d.gpu.dev.(interface{ target() driver.Device }); ok {
		t, _ := p.target().(*described)
		return t
	}
	return nil
}

// ConvAnswers says how much is known of the scratch memory that convolutions were planned with for a GPU that is not there.
type ConvAnswers struct {
	CuDNN   string `json:"cudnn"`   // version that was asked: for its first proposals, which timing on a GPU may not prefer
	Known   int    `json:"known"`   // passes of convolutions that it was asked for as they are
	Scaled  int    `json:"scaled"`  // asked for in batches of 64: their bytes, in proportion to the batch
	Unknown int    `json:"unknown"` // not asked for: taken for 0
}

// ConvAnswers returns that of what was planned so far, nil except on a device of PlannedGPUs.
func (d *Device) ConvAnswers() *ConvAnswers {
	t := d.described()
	if t == nil || t.asked == nil {
		return nil
	}
	var n [3]int
	for _, a := range t.asked {
		n[a.kind]++
	}
	return &ConvAnswers{t.cudnn, n[known], n[scaled], n[unknown]}
}
