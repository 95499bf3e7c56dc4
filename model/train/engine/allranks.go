package engine

import (
	"encoding/binary"
	"fmt"

	"contig-gpu/gpu"
	"contig-gpu/model/nn"
	"contig-gpu/model/objective"
)

// Where the device is one of several ranks, each takes its share of every batch. The loss is that of the whole batch, so the gradients of
// its shares add up to its gradient: they are summed, and no factor of the number of ranks appears. From there on all ranks compute the
// same, and come to the same verdicts.

// Votes is how many numbers each rank adds to a step, which all are told the sums of.
const Votes = 4

// addRanks sums over all ranks what is not yet summed of the gradient, and the votes, and takes the mean of those running statistics that follow
// each rank's own rows.
func (e *Engine) addRanks() {
	if e.dev.Ranks() == 1 {
		return
	}
	if e.sums != nil {
		e.sums.end()
	}
	if s := e.weights.Statistics(); s.Ok() && e.o.Over != nn.AllRows {
		gpu.AllMean(s)
	}
	gpu.AllReduce(e.votes)
}

// vote writes this rank's votes to the device.
func (e *Engine) vote(turn Turn) {
	if e.votes.Ok() {
		gpu.Write(e.votes, turn.Votes[:])
	}
}

// count reads the sums of all votes.
func (e *Engine) count(r *Result, s *slot) {
	if e.votes.Ok() {
		copy(r.Votes[:], s.results.Values(2))
	}
}

// left lists what a step leaves for the host.
func (e *Engine) left() []gpu.Tensor {
	all := []gpu.Tensor{e.terms, e.update.sumsq}
	if e.votes.Ok() {
		all = append(all, e.votes)
	}
	return all
}

// culpritOfRanks is culprit where ranks share batch b, of which each runs its own rows once more, alone: what is not finite on one rank alone
// came from its rows. All ranks call it, since what is not finite is so on all.
func (e *Engine) culpritOfRanks(b pending) (string, error) {
	l := e.stepOf(b.slot)
	p, err := e.pass(l)
	if err != nil {
		return "", err
	}
	p.Over = nn.OwnRows
	if s := e.weights.Statistics(); s.Ok() {
		gpu.Fill(s, 0) // they have the mean of all ranks
	}
	e.weights.ZeroGrad()
	own := e.scaled(e.feed.unpack(p, b.slot.input))
	own.Whole = objective.Whole{}
	e.obj.Step(p, own, e.terms)
	names, first, err := e.searchNotFinite()
	if err != nil {
		return "", err
	}
	found, err := e.Gather(uint64(first + 1))
	if err != nil {
		return "", err
	}
	return ofRanks(names, found), nil
}

// ofRanks names the earliest of the tensors that the ranks found, each by its place from 1, 0 for none, and the ranks where they are some
// and not all.
func ofRanks(names []string, found []uint64) string {
	first, ranks := uint64(0), []int(nil)
	for r, i := range found {
		if i > 0 {
			ranks = append(ranks, r)
		}
		if i > 0 && (first == 0 || i < first) {
			first = i
		}
	}
	switch {
	case first == 0:
		return "the loss"
	case len(ranks) == len(found):
		return names[first-1]
	case len(ranks) == 1:
		return fmt.Sprintf("%s, on rank %d", names[first-1], ranks[0])
	}
	return fmt.Sprintf("%s, on ranks %v", names[first-1], ranks)
}

// Gather returns every rank's v, in their order.
func (e *Engine) Gather(v uint64) ([]uint64, error) {
	const size = 8
	own, all := binary.LittleEndian.AppendUint64(nil, v), make([]byte, size*e.dev.Ranks())
	a := e.dev.NewArena(2*arenaAlign + len(all) + size)
	defer a.Close()
	x, y := a.New(gpu.U8, size), a.New(gpu.U8, len(all))
	gpu.Write(x, own)
	gpu.AllGather(y, x)
	gpu.Read(all, y)
	var out []uint64
	for b := all; len(b) > 0; b = b[size:] {
		out = append(out, binary.LittleEndian.Uint64(b))
	}
	return out, e.dev.Sync()
}

// Tell returns what rank 0 says to all.
func (e *Engine) Tell(what []byte) ([]byte, error) {
	lengths, err := e.Gather(uint64(len(what)))
	if err != nil {
		return nil, err
	}
	told := make([]byte, lengths[0])
	copy(told, what)
	a := e.dev.NewArena(arenaAlign + len(told))
	defer a.Close()
	x := a.New(gpu.U8, len(told))
	gpu.Write(x, told)
	gpu.Broadcast(x)
	gpu.Read(told, x)
	return told, e.dev.Sync()
}

// Spread gives all ranks what rank 0 has: parameters, running statistics, averages and the optimiser's state.
func (e *Engine) Spread() {
	all := []gpu.Tensor{e.update.values, e.update.ema}
	for _, b := range e.weights.Buffers() {
		all = append(all, b.Value)
	}
	for _, s := range e.update.opt.State() {
		all = append(all, s.Value)
	}
	for _, x := range all {
		if x.Ok() {
			gpu.Broadcast(x)
		}
	}
	e.weights.Refresh()
}
