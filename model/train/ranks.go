package train

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc64"
	"math"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/nn"
	"contig-gpu/model/train/engine"
)

// Where the device is one of several ranks (gpu.Device.Join) all of them run the same training, each on its share of every batch. They
// decide alike, since what decides is the same on all: losses, gradients, retrieval, and votes on what one rank alone knows. Rank 0 has the
// run folder; the others read nothing from it and write nothing to it.

// What ranks vote on with every step.
const (
	voteStop = iota // it was asked to stop
	voteSave        // rank 0: the last checkpoint is too long ago
)

// What Config.Norm may be.
const (
	normShare  = "share"
	normGlobal = "global"
)

// What Config.Gradients may be.
const (
	gradientsWhole = "f32"
	gradientsHalf  = "bf16"
)

// HalvesGradients reports whether the gradient travels in 16 bits between ranks, which those on CPUs cannot.
func (c Config) HalvesGradients() bool { return c.Gradients == gradientsHalf }

// over says which rows norms count where ranks share a batch.
func (c Config) over() nn.Over {
	if c.Norm == normGlobal {
		return nn.AllRows
	}
	return nn.PresentRows
}

// several reports whether the training has several ranks.
func (t *trainer) several() bool { return t.dev.Ranks() > 1 }

// writes reports whether this rank has the run folder.
func (t *trainer) writes() bool { return t.dev.Rank() == 0 }

// votes returns this rank's for the next step.
func (t *trainer) votes(ctx context.Context) (v [engine.Votes]float64) {
	if ctx.Err() != nil {
		v[voteStop] = 1
	}
	if t.writes() && t.late() {
		v[voteSave] = 1
	}
	return v
}

// asked reports whether the training is to stop after the steps that are queued, and whether a checkpoint is due by the clock: of several
// ranks, what all have voted on with the last step that is done.
func (t *trainer) asked(ctx context.Context) (stop, late bool) {
	if !t.several() {
		return ctx.Err() != nil, t.late()
	}
	stop, late = t.voted[voteStop] > 0, t.voted[voteSave] > 0
	t.voted = [engine.Votes]float64{}
	return stop, late
}

// agree is E736 where the ranks' parameters are not the same bytes: what they hold is then no training's, and is not saved.
func (t *trainer) agree() error {
	if !t.several() {
		return nil
	}
	values, _, _ := t.engine.Objective().Weights().Flat()
	all, err := t.engine.Gather(digest(values))
	if err != nil {
		return err
	}
	var others []int
	for r, d := range all {
		if d != all[0] {
			others = append(others, r)
		}
	}
	if others == nil {
		return nil
	}
	return &data.Problem{Code: data.CodeRanksDiffer, What: fmt.Sprintf("after step %d the ranks no longer have the same parameters", t.at.Step), Expected: fmt.Sprintf("those of rank 0, digest %016x, on all", all[0]),
		Found: fmt.Sprintf("others on rank %s", listed(others)), Cause: "a processor, memory or network that computes or carries wrongly, or a program of another build",
		Fix: "go on with --resume from the last checkpoint, which was written while they agreed, without these ranks' hosts"}
}

// digest returns one of the elements of x, bit by bit.
func digest(x gpu.Tensor) uint64 {
	h := crc64.New(crc64.MakeTable(crc64.ECMA))
	part := make([]float64, min(x.Len(), 1<<16))
	bits := make([]byte, 0, 8*len(part))
	for at := 0; at < x.Len(); at += len(part) {
		part = part[:min(len(part), x.Len()-at)]
		gpu.Read(part, x.Slice(at, at+len(part)))
		bits = bits[:0]
		for _, v := range part {
			bits = binary.LittleEndian.AppendUint64(bits, math.Float64bits(v))
		}
		h.Write(bits)
	}
	return h.Sum64()
}

func listed(ranks []int) string {
	text := ""
	for i, r := range ranks {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprint(r)
	}
	return text
}

// A standingAt is what rank 0 tells the others of a checkpoint that it has restored.
type standingAt struct {
	Name  string `json:"name"` // "": there was none
	State state  `json:"state"`
}

// shareRestored gives what rank 0 restored to all ranks: what it says of it, and the engine's tensors.
func (t *trainer) shareRestored(what standingAt) (standingAt, error) {
	if !t.several() {
		return what, nil
	}
	text, err := json.Marshal(what)
	if err != nil {
		return what, err
	}
	if text, err = t.engine.Tell(text); err != nil {
		return what, err
	}
	var told standingAt
	if err := json.Unmarshal(text, &told); err != nil {
		return told, err
	}
	if told.Name != "" {
		t.engine.Spread()
	}
	return told, t.dev.Sync()
}

// stopped reports whether any rank was asked to stop: all have the same answer. It is for where no step follows.
func (t *trainer) stopped(ctx context.Context) (bool, error) {
	if !t.several() {
		return ctx.Err() != nil, nil
	}
	own := uint64(0)
	if ctx.Err() != nil {
		own = 1
	}
	all, err := t.engine.Gather(own)
	for _, v := range all {
		own |= v
	}
	return own != 0, err
}

// whole returns a context of what all ranks do or none: of several it is not cut short.
func (t *trainer) whole(ctx context.Context) context.Context {
	if t.several() {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

// changedRanks says what it means that a run goes on with another number of ranks; "": nothing has changed.
func (t *trainer) changedRanks(was int) string {
	was, now := max(1, was), t.dev.Ranks()
	if was == now {
		return ""
	}
	text := fmt.Sprintf("ranks %d -> %d", was, now)
	if t.cfg.Norm != normGlobal {
		text += fmt.Sprintf(": the image encoder's norms are over %d images instead of %d (--norm %s)", t.cfg.Batch/now, t.cfg.Batch/was, normShare)
	}
	return text
}
