package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"contig-gpu/cmd/internal/bench"
	"contig-gpu/gpu"
)

// graphics is what doctor says of the GPU.
type graphics struct {
	*gpu.Info
	Why       string   `json:"why,omitempty"` // it is not used: what was looked for, and where
	Bandwidth float64  `json:"copy_bytes_per_second"`
	Product   float64  `json:"bf16_product_flop_per_second"`
	Warning   string   `json:"warning,omitempty"`
	Auto      []string `json:"auto_precision,omitempty"` // that --precision auto may stand for
	SelfTest  []check  `json:"self_test"`

	Plans       *gpu.PlanCounts `json:"plans,omitempty"`     // of the self-test's convolutions
	Description json.RawMessage `json:"cudnn_gpu,omitempty"` // cuDNN's own, by which plans are made without the GPU
}

// examineGPU opens the first GPU, tests and measures it, or says why there is none.
func examineGPU() graphics {
	d, err := gpu.Open("cuda:0", gpu.Options{})
	if err != nil {
		return graphics{Why: err.Error()}
	}
	defer d.Close()
	g := graphics{Info: d.GPU(), SelfTest: selfTest(d), Auto: d.Auto()}
	bytes, n := bench.CeilingSizes(d)
	g.Bandwidth, g.Product = bench.CopyRate(d, bytes), bench.ProductRate(d, gpu.BF16, n)
	if err := d.Sync(); err != nil {
		g.Why = err.Error()
	}
	g.Plans = d.PlanCounts()
	text, err := d.DescribeGPU()
	if err = errors.Join(d.Warning(), err); err != nil {
		g.Warning = err.Error()
	}
	if json.Valid(text) {
		g.Description = text
	}
	return g
}

func (g graphics) print(w io.Writer) {
	if g.Info == nil {
		fmt.Fprintf(w, "GPU       none is used: %s\n", strings.ReplaceAll(g.Why, "\n", "\n          "))
		return
	}
	fmt.Fprintf(w, "GPU       %s, compute capability %d.%d, %d multiprocessors, %s of %s free\n", g.Name, g.Capability/10, g.Capability%10,
		g.Multiprocs, bytesText(g.Free), bytesText(g.Memory))
	for _, l := range g.Libraries {
		fmt.Fprintf(w, "  %-11s %s, %s\n", l.Name, l.Version, l.Path)
	}
	fmt.Fprintf(w, "  measured    copy %.3g GB/s, bf16 product %.3g TFLOP/s\n", g.Bandwidth/1e9, g.Product/1e12)
	if g.Plans != nil {
		fmt.Fprintf(w, "  %s\n", plansText(*g.Plans))
	}
	if len(g.Auto) > 0 {
		text := g.Auto[0]
		if len(g.Auto) > 1 {
			text = "the fastest of " + strings.Join(g.Auto, " and ") + ", which a training times"
		}
		fmt.Fprintf(w, "  precision   auto is %s\n", text)
	}
	if g.Why != "" {
		fmt.Fprintf(w, "  failed      %s\n", g.Why)
	}
	if g.Warning != "" {
		fmt.Fprintf(w, "  warning     %s\n", strings.ReplaceAll(g.Warning, "\n", "\n              "))
	}
	for _, t := range g.SelfTest {
		fmt.Fprintf(w, "  self-test   %-11s error %.1g\n", t.Op, t.Error)
	}
}
