//go:build linux && cgo

package dnn_test

import (
	"fmt"
	"slices"
	"strings"

	"contig-gpu/gpu/internal/dnn"
	"contig-gpu/gpu/internal/driver"
)

// typeName is the name of a precision.
func typeName(c driver.Conv) string {
	if c.TF32 {
		return "tf32"
	}
	return c.Type.String()
}

// tabulate makes a table: for each GPU, operation and type how many of the shapes have a plan, how many of these are
// compiled at run time, and the largest workspace.
func tabulate(found map[string][]finding) string {
	var b strings.Builder
	b.WriteString("| GPU | operation | type | shapes | with a plan | compiled at run time | largest workspace, MB |\n|---|---|---|---|---|---|---|\n")
	for _, gpu := range dnn.GPUs() {
		for _, op := range dnn.Ops() {
			for _, t := range []string{"bf16", "f16", "tf32", "f32"} {
				b.WriteString(row(gpu, op, t, found[gpu]))
			}
		}
	}
	return b.String()
}

func row(gpu string, op dnn.Op, t string, all []finding) string {
	var shapes, plans, compiled, largest int
	for _, f := range all {
		if f.Problem.Op != op || typeName(f.Problem.Conv) != t {
			continue
		}
		shapes++
		if f.Missing == "" {
			plans++
			largest = max(largest, f.Choice.Workspace)
		}
		if f.Choice.Compiled {
			compiled++
		}
	}
	if shapes == 0 {
		return ""
	}
	return fmt.Sprintf("| %s | %s | %s | %d | %d | %d | %.1f |\n", gpu, op, t, shapes, plans, compiled, float64(largest)/1e6)
}

// document is docs/gpu/cudnn-plans.md.
func document(version, table string) []byte {
	return []byte(`# Plans of cuDNN ` + version + `, asked without a GPU

Written by ` + "`CONTIG_CUDNN=update go test -run TestPlans ./gpu/internal/dnn`" + `: every convolution of resnet18, 34, 50 and 101 at 224 and 448 pixels, batch 64,
with its gradients, and what a device fuses to it, for the GPUs of gpu/internal/dnn/gpus. The library proposed an engine, and finalized its configuration and the plan of each.
Nothing ran: how fast the plans are, only a GPU tells. Only deterministic plans with float32 sums count; in f32 only those that do not round to TF32.

What is missing is known: fused statistics run on tensor cores alone, so not in f32. In 16 bits the image has 4 channels, the last of
them 0: the accumulating gradient of weights wants an even number. Backward data counts twice, with beta 0 and 1. A norm before the convolution is asked
for where a window is 1x1 or 3x3 and channels come in eights, and what is added to it at stride 1: of the 7x7 windows of the first layer there is no gradient of
weights by it, and none of data + add at stride 2. What is added to a norm forward is asked for at windows of 1x1 and stride 1, on Hopper: other
windows and other GPUs have no plan. Its sums are asked for on Hopper alone too: elsewhere some plans want more than the 512 MiB that a device allows.

` + table)
}

// needs returns what convolutions take of scratch memory, per GPU.
func needs(found map[string][]finding) map[string][]dnn.Workspace {
	all := map[string][]dnn.Workspace{}
	for gpu, list := range found {
		scratch := map[dnn.Problem]int{}
		for _, f := range list {
			if f.Missing == "" {
				scratch[f.Problem] = f.Choice.Workspace
			}
		}
		for _, f := range list {
			if c := f.Problem.Conv; f.Problem.Op == dnn.Forward {
				all[gpu] = append(all[gpu], need(c, scratch))
			}
		}
		slices.SortFunc(all[gpu], func(a, b dnn.Workspace) int { return strings.Compare(fmt.Sprint(a.Conv), fmt.Sprint(b.Conv)) })
	}
	return all
}

// need adds up what a convolution takes, as a Handle does that times nothing; of windows of 1x1 as if they were no product.
func need(c driver.Conv, scratch map[dnn.Problem]int) dnn.Workspace {
	of := func(op dnn.Op) int { return scratch[dnn.Problem{Op: op, Conv: c}] }
	w := dnn.Workspace{Conv: c, Forward: max(of(dnn.Forward), of(dnn.ForwardStats), of(dnn.NormForwardStats), of(dnn.NormForwardAddStats))}
	w.Data = max(of(dnn.BackwardData), scratch[dnn.Problem{Op: dnn.BackwardData, Conv: c, Beta: 1}], of(dnn.NormBackwardData), of(dnn.NormBackwardDataAdd))
	w.Weight = of(dnn.BackwardWeight)
	if c.Type != driver.F32 {
		w.Weight = dnn.RoundedScratch(c, max(of(dnn.BackwardWeight16), of(dnn.NormBackwardWeight)))
	}
	return w
}
