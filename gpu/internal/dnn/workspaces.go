package dnn

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"contig-gpu/gpu/internal/convolution"
	"contig-gpu/gpu/internal/driver"
)

//go:embed workspaces.json
var workspacesFile string

// A Workspace is what the library's first acceptable plans for a convolution take, bytes, on a GPU of gpus/.
type Workspace struct {
	Conv                  driver.Conv
	Forward, Data, Weight int // with statistics and with a norm before the convolution too
}

// Of returns what a pass takes, bytes.
func (w Workspace) Of(p convolution.Pass) int {
	switch p {
	case convolution.Forward, convolution.ForwardStats, convolution.NormForward, convolution.NormAddForward:
		return w.Forward
	case convolution.Weight, convolution.NormWeight:
		return w.Weight
	}
	return w.Data
}

// Workspaces returns what the plans for every convolution of the ResNets of package model at 224 and 448 pixels take on
// a GPU, in batches of 64, and the version of the library that was asked. It was written by TestPlans with
// CONTIG_CUDNN=update; plans chosen by timing may take other amounts.
func Workspaces(gpu string) (version string, all []Workspace, err error) {
	var f workspaces
	if err := json.Unmarshal([]byte(workspacesFile), &f); err != nil {
		return "", nil, fmt.Errorf("workspaces.json: %w", err)
	}
	for _, w := range f.Rows[gpu] {
		all = append(all, w.workspace())
	}
	return f.Library, all, nil
}

type workspaces struct {
	Library string                    `json:"library"`
	Rows    map[string][]workspaceRow `json:"rows"`
}

// A workspaceRow is N H W C, K R S, stride pad, type and TF32 as 0 or 1, bytes forward, of data and of weight.
type workspaceRow [14]int

func rowOf(w Workspace) workspaceRow {
	c, tf32 := w.Conv, 0
	if c.TF32 {
		tf32 = 1
	}
	return workspaceRow{c.N, c.H, c.W, c.C, c.K, c.R, c.S, c.Stride, c.Pad, int(c.Type), tf32, w.Forward, w.Data, w.Weight}
}

func (r workspaceRow) workspace() Workspace {
	return Workspace{driver.Conv{Shape: convolution.Shape{N: r[0], H: r[1], W: r[2], C: r[3], K: r[4], R: r[5], S: r[6], Stride: r[7], Pad: r[8]}, Type: driver.Type(r[9]), TF32: r[10] == 1}, r[11], r[12], r[13]}
}
