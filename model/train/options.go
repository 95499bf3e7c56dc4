package train

import (
	"context"
	"errors"

	"contig-gpu/data"
	"contig-gpu/data/folder"
	"contig-gpu/gpu"
	"contig-gpu/model/eval"
	"contig-gpu/model/objective"
)

// ErrInterrupted is returned by Run when its context ended and the checkpoint was written.
var ErrInterrupted = errors.New("interrupted; a checkpoint was written, --resume goes on from it")

// ErrNotBegun is returned by Run, on all of several ranks, when the context of one had ended before the first step. Nothing was written.
var ErrNotBegun = errors.New("interrupted before the first step")

// A Feed says which batches a source is to give.
type Feed struct {
	Split data.Split
	Rank  int  // whose share of every batch it gives
	Ranks int  // of how many
	Train bool // in shuffled order and augmented as the settings say; else every image once, as it is
	Raw   bool // Pixels and what varies them, for a device that makes the images; else Image and Tables
	Views int  // of each image in a batch; above 1 they are varied in evaluation too, the same way every time

	NoTables bool // images alone
}

// Bad knows which images of the cohort cannot be decoded, as far as they were met.
type Bad interface {
	Found() []int        // ascending, with those marked Skip
	Problem(i int) error // nil: marked Skip
}

// A Scan decodes images beside a training, so that all that are broken are known when the first epoch ends.
type Scan interface {
	Allow(share float64)        // to go on to that share, 0 to 1
	Finish(ctx context.Context) // waits for all
	Close()
}

// NewSource opens the batches of a split. Who calls it closes what it opens.
type NewSource func(Feed) (data.Source, error)

// Options of Run.
type Options struct {
	Config    Config
	Cohort    *data.Cohort
	NewSource NewSource
	Dir       string                    // the run folder
	Resume    bool                      // go on from the newest whole checkpoint
	Overwrite bool                      // begin anew in a folder that holds a run
	InitFrom  string                    // safetensors to start from: an image encoder as torchvision names it, or a checkpoint of ours
	Judge     func(data.Split) Judge    // begins an evaluation whose score says which checkpoint is the best, for objectives that predict; the test split is then its caller's. nil: retrieval, or the loss
	Begin     func(objective.Objective) // may change the initial weights, which are on its device, once; not on resuming; nil leaves them
	Begun     func(step int)            // called when a step, from 1, has its first batch: who waits for others has come so far; may be nil
	Paused    func()                    // called when no step is under way and an evaluation, a checkpoint or the end comes before the next; may be nil
	Progress  func(Event)               // called from Run's goroutine; may be nil
	Version   string                    // of the program, kept in checkpoints
	Memory    int                       // bytes that the host has for training: those that are free, and those of Cohort's tables; 0: not known. On a GPU its own count

	Bad  Bad  // knows which images cannot be decoded; nil: the source's error is all
	Scan Scan // decodes what a first epoch leaves out; nil: nothing does. Run closes it

	Device  *gpu.Device       // as OpenDevice opened it, which Run closes; nil: Run opens it
	Ready   func(error) error // given how it went, where each rank sets up by itself: of several all hear of it; nil: that is the error itself
	Approve func(Work) error  // asked once before anything is written; an error ends Run; nil: go on

	Lock *folder.Lock // of Dir, by Take, where the caller has it; nil: Run takes it
}

func (o *Options) emit(e Event) {
	if o.Progress != nil {
		o.Progress(e)
	}
}

// Work is what is left of a training.
type Work struct {
	Steps int     // that are left
	Flops float64 // multiplications and additions of the convolutions of each, which are most of it
}

// EventKind says what an Event is about.
type EventKind uint8

const (
	Started    EventKind = iota // the run folder exists now, the first step is done; after resuming, at once
	Stepped                     // Loss, LR, GradNorm, ImagesPerSecond
	Validated                   // Loss, Retrieval, Sets, Heldout
	Saving                      // Path of a checkpoint that is written now: Saved or the end of Run follows
	Saved                       // Path of a checkpoint
	Tested                      // Loss, Retrieval, Heldout
	Evaluating                  // Loss is not known yet; Split says of what
	Planned                     // Memory, Free, Disk, Plans; before anything is taken or written
	Planning                    // Plans: the GPU's library made some, which takes time
	Warned                      // Text
	Noted                       // Text, to be told as it is
	Chosen                      // Precision: what auto stands for where it might be several; Text, to be told as it is
	Broken                      // Images; to be kept before the checkpoint that follows
)

// An Event reports progress.
type Event struct {
	Kind            EventKind
	Step, Total     int // steps done, steps in all
	Epoch           int // from 1
	Loss            float64
	LR, GradNorm    float64
	ImagesPerSecond float64
	Retrieval       map[string]eval.Retrieval
	Sets            map[string]eval.SetLoss
	Heldout         *eval.Heldout
	Judged          *Judgement // of Validated
	Split           data.Split
	Path            string
	Memory          Memory
	Free            int // bytes, 0: not known
	Disk            Disk
	Plans           *gpu.PlanCounts // of convolutions so far, nil where the device has none
	Text            string
	Precision       string
	Images          []int // all that were found broken, by index into Cohort.Images
}

// A Summary tells what Run did.
type Summary struct {
	Steps          int    // taken in all, those before resuming included
	Resumed        bool   // from a checkpoint
	Device         string // name
	Why            string // this device and not another
	Parameters     int
	Precision      string   // that it computes in
	Memory         Memory   // that it held
	GPUIdle        *float64 // share of the time of all steps; nil: not measured
	ValidationLoss float64
	BestStep       int // 0 where nothing was validated
	Test           *Evaluated
	Tested         string // "best" or "last": the checkpoint that Test is of
}

// Evaluated is a model's standing on one split.
type Evaluated struct {
	Loss      float64                   // weighted over modalities, mean over images
	Losses    map[string]float64        // by term, mean over the rows present
	Retrieval map[string]eval.Retrieval // by modality, and AllName; nil where images are not compared with tables
	Sets      map[string]eval.SetLoss   // by modality: the loss over sets of the same size whatever the batch; nil likewise
	Heldout   *eval.Heldout             // what a report shows beside
	Judged    *Judgement                // of Options.Judge

	dots []eval.Dot // of Heldout.Map, before it is drawn
}
