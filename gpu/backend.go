package gpu

import (
	"errors"
	"time"

	"contig-gpu/gpu/internal/dnn"
	"contig-gpu/gpu/internal/driver"
	"contig-gpu/gpu/internal/planned"
	"contig-gpu/gpu/world"
)

// A backend is what is behind a Device: a CPU's threads, a GPU, or what plans for either. What devices do in different ways is
// here, so that nothing else asks what a device is.
type backend interface {
	name() string
	types() []DType                 // floats that operations compute in
	auto() []string                 // the precisions that auto may stand for, that one first which it stands for where nothing is timed
	rounds() bool                   // whether float32 products may be rounded to TF32
	round(tf32 bool)                // says that they are from now on, or not
	errors() (unit, inputs float64) // of a float32 product: in its sum, relative to a term, and in what it multiplies
	computes() bool                 // false: operations are only counted
	threads() int                   // of a CPU

	take(a *Arena, bytes int) // gives an arena its memory, NamedArena having set its name and size
	give(a *Arena)            // takes it back
	poison(t Tensor)          // fills it with what is no number
	book() *ledger            // of memory by name
	allocated() []Held        // what is in the book, and what is not
	most() int                // bytes of scratch memory that operations so far work in
	reserve(bytes int)        // gives operations scratch memory

	compute(t DType, f forms)
	computeCounted(t DType, f forms)
	fill(t Tensor, v float64)
	copy(dst, src Tensor)
	write(t Tensor, src elements)
	read(dst elements, t Tensor)

	join(w *world.World) error // makes the device one of several ranks
	rejoin()                   // of AllReduceBeside
	sync() error
	close() error
	mark() *Mark
	overlap() driver.Overlap // nil: the device does nothing beside what Go does
	pin(bytes int) (driver.Overlap, []byte, error)
	record(work func()) (*Recording, error)
	profiled(f func()) error
	countLaunches()
	counts(name string, moved ...Tensor)
	launches() []Launch

	plan() *Device        // Device.Plan
	planTensors() *Device // Device.PlanTensors
	uses() *convUses      // convolutions that were asked for; nil: nobody lists them
	described() *planned.Described
	info() *Info
	library() *dnn.Handle // that computes convolutions; nil: no library that tells of its plans
	warning() error
	describe() ([]byte, error)
}

// forms are those of an operation.
type forms struct {
	f32, f64 func()
	gpu      func(c *gpu)
}

// host runs the CPU's form.
func (f forms) host(t DType) {
	if t == F64 {
		f.f64()
	} else {
		f.f32()
	}
}

// common has what most backends do alike: nothing beside what Go does, no launches, no library.
type common struct{ held ledger }

func (c *common) book() *ledger                         { return &c.held }
func (c *common) allocated() []Held                     { return c.held.list() }
func (*common) auto() []string                          { return []string{"f32"} }
func (*common) rounds() bool                            { return false }
func (*common) round(bool)                              {}
func (*common) errors() (unit, inputs float64)          { return 0x1p-24, 0 }
func (*common) computes() bool                          { return true }
func (*common) threads() int                            { return 0 }
func (*common) join(*world.World) error                 { return errNoCollectives() }
func (*common) rejoin()                                 {}
func (*common) most() int                               { return 0 }
func (*common) reserve(int)                             {}
func (*common) sync() error                             { return nil }
func (*common) close() error                            { return nil }
func (*common) mark() *Mark                             { return &Mark{at: time.Now()} }
func (*common) overlap() driver.Overlap                 { return nil }
func (*common) pin(int) (driver.Overlap, []byte, error) { return nil, nil, nil }
func (*common) record(work func()) (*Recording, error)  { return &Recording{work: work}, nil }
func (*common) profiled(f func()) error                 { f(); return nil }
func (*common) countLaunches()                          {}
func (*common) counts(string, ...Tensor)                {}
func (*common) launches() []Launch                      { return nil }
func (*common) uses() *convUses                         { return nil }
func (*common) described() *planned.Described           { return nil }
func (*common) info() *Info                             { return nil }
func (*common) library() *dnn.Handle                    { return nil }
func (*common) warning() error                          { return nil }
func (*common) describe() ([]byte, error) {
	return nil, errors.New("the device does not compute by cuDNN 9")
}
