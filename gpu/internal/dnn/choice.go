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

// A Choice says which plan a Problem got. Engine and Knobs are enough to build it again with the same library.
type Choice struct {
	Engine       int     `json:"engine"`
	Knobs        []Knob  `json:"knobs,omitempty"`
	Workspace    int     `json:"workspace"`              // bytes
	Notes        []int   `json:"notes,omitempty"`        // the library's numerical notes
	Compiled     bool    `json:"compiled,omitempty"`     // at run time, by NVRTC
	Milliseconds float64 `json:"milliseconds,omitempty"` // 0 where nothing was timed
	Timed        int     `json:"timed,omitempty"`        // plans that were compared
	Apart        float64 `json:"apart,omitempty"`        // of ForwardStats: milliseconds of Forward and a pass for the sums; 0 where that was not timed
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
	NonDeterministic bool   // also engines whose results differ from run to run
	MaxWorkspace     int    // bytes a plan may ask for, unless none asks for less; 0: 512 MiB
	Candidates       int    // plans that are timed per Problem; 0: 8
	RoundWeight      bool   // 16-bit gradients of weights are rounded before they are added, see ConvBackwardWeight
	Timer            Timer  // what times plans; nil: the library's first choice is taken, and the cache is not used
	Card             string // the GPU's name, for the cache
	Arch             int    // compute capability, 90 for 9.0, for the cache
	CacheDir         string // where chosen plans are kept; "": the user's cache folder
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
