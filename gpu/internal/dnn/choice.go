package dnn

import (
	"fmt"
	"slices"
	"strings"

	"contig-gpu/gpu/internal/driver"
)

// A Knob is a setting of an engine, by the library's number.
type Knob struct {
	Type  int   `json:"type"`
	Value int64 `json:"value"`
}

// A Choice says which plan a Problem got. Engine and Knobs are enough to make it again with the same library, in the time that
// compiling takes where it is Compiled.
type Choice struct {
	Engine       int     `json:"engine"`
	Knobs        []Knob  `json:"knobs,omitempty"`
	Workspace    int     `json:"workspace"`              // bytes
	Notes        []int   `json:"notes,omitempty"`        // the library's numerical notes
	Compiled     bool    `json:"compiled,omitempty"`     // at run time, by NVRTC
	Milliseconds float64 `json:"milliseconds,omitempty"` // 0 where nothing was timed
	Timed        int     `json:"timed,omitempty"`        // plans that were compared, 1 where there was no other
}

// The library's numerical notes (cudnnBackendNumericalNote_t).
const (
	noteTensorCore = iota
	noteDownConvert
	noteReducedSums
	noteFFT
	noteNondeterministic
	noteWinograd
	noteWinograd4
	noteWinograd6
	noteWinograd13
)

// unwanted says which of an engine's numerical notes rules it out for p, or "". Sums are float32 without detours that
// cost precision; the order of sums is fixed; TF32 is taken only where it is allowed. An engine without the note
// of tensor cores multiplies float32 as it is: with NVIDIA_TF32_OVERRIDE=0 the library's own heuristic proposes only such.
func unwanted(p Problem, notes []int, o Options) string {
	for _, n := range notes {
		switch {
		case n == noteNondeterministic && !o.NonDeterministic:
			return "its results differ from run to run"
		case n == noteDownConvert || n == noteReducedSums:
			return "it computes with fewer bits than float32 sums have"
		case n == noteFFT || n >= noteWinograd && n <= noteWinograd13:
			return "it transforms its inputs, at a loss of precision"
		case n == noteTensorCore && p.Conv.Type == driver.F32 && !p.Conv.TF32:
			return "it rounds float32 to TF32"
		}
	}
	return ""
}

// A NoPlanError says that the library has no plan for a Problem that we accept.
type NoPlanError struct {
	Problem Problem
	Library string   // "cuDNN 9.26.0"
	Reasons []string // the library's words, or why a proposed engine was left out
}

func (e *NoPlanError) Error() string {
	if len(e.Reasons) == 0 {
		return fmt.Sprintf("%s proposes no engine for %s", e.Library, e.Problem)
	}
	return fmt.Sprintf("%s has no plan for %s:\n\t%s", e.Library, e.Problem, strings.Join(e.Reasons, "\n\t"))
}

// because notes a reason once.
func (e *NoPlanError) because(reason string) {
	if !slices.Contains(e.Reasons, reason) {
		e.Reasons = append(e.Reasons, reason)
	}
}

// Options of New and Plan. The zero value is right for training.
type Options struct {
	NonDeterministic bool         // also engines whose results differ from run to run
	MaxWorkspace     int          // bytes a plan may ask for, unless none asks for less; 0: 512 MiB
	Candidates       int          // plans that are timed per Problem; 0: 8
	Timer            Timer        // what times plans; nil: the library's first choice is taken, and the cache is not used
	Ways             Ways         // nil: gradients of weights in 16 bits are those that the library fuses with their addition
	Workers          int          // cores that compile candidates of a Problem; 0: all
	Untimed          bool         // ways are not timed against each other, the first is taken
	GPU              string       // the GPU's name, for the cache
	Arch             int          // compute capability, 90 for 9.0, for the cache and packs
	Multiprocs       int          // multiprocessors, for packs
	Driver           int          // CUDA version of the driver, 13000 for 13.0, for packs
	CacheDir         string       // where chosen plans are kept; "": the user's cache folder
	Packs            []string     // files of packs; nil: see PacksEnv
	Made             func(Counts) // nil, or told of every Problem for which the library made plans: that may have taken seconds
}

// Ways are other ways of a 16-bit convolution's gradient of weights than the library's own, see ConvBackwardWeight.
type Ways interface {
	// AddRounded queues dw += part, n values of float32 and of type t.
	AddRounded(dw, part driver.Ptr, n int, t driver.Type) error
	// Multiply queues a product with room bytes of memory to work in, and MultiplyScratch returns how many it takes.
	Multiply(p driver.Product, c, a, b, work driver.Ptr, room int) error
	MultiplyScratch(p driver.Product) (int, error)
}

// Counts says where plans came from.
type Counts struct {
	Made     int `json:"made"`     // by the library, of what it proposes: among them the fastest is chosen
	Compiled int `json:"compiled"` // of these, at run time, in about a second each
	Cached   int `json:"cached"`   // loaded as the library once wrote them, on this machine
	Packed   int `json:"packed"`   // loaded out of packs
}

// make counts a plan that the library made.
func (c *Counts) make(p Choice) {
	c.Made++
	if p.Compiled {
		c.Compiled++
	}
}

func (o Options) maxWorkspace() int {
	if o.MaxWorkspace > 0 {
		return o.MaxWorkspace
	}
	return 512 << 20
}

func (o Options) candidates() int {
	if o.Candidates > 0 {
		return o.Candidates
	}
	return 8
}

// A Timer is what timing plans takes of a device: memory, and marks in its stream. A device with driver.Overlap has it.
type Timer interface {
	Alloc(bytes int) (driver.Ptr, error)
	Free(p driver.Ptr)
	Upload(dst driver.Ptr, src []byte)
	Copy(dst, src driver.Ptr, bytes int)
	MainMark() driver.Event
}

// A Stream is where a Handle queues its work and reports its failures.
type Stream interface {
	Stream() uintptr // a CUstream
	Fail(err error)
	Enter(call string) error   // makes its context the calling thread's, since two devices may be driven from one
	MayWait(call string) error // Enter, or why nothing may wait or allocate now, as while work is recorded
}
