package train

import (
	"fmt"
	"sort"
	"strings"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/nn"
)

// Memory says what a training takes on its device, in bytes.
type Memory struct {
	Values      int // parameters, their 16-bit copies if any, and running averages
	Gradients   int
	Optimizer   int // its moments
	Averages    int // of the parameters, with --ema
	Activations int // of one batch, with their gradients
	Staging     int // batches of input
	Checkpoint  int // on the host: the file, before it is written, and a tensor on its way into it
	Scratch     int // allowed for: what kernels pack, and images being decoded
}

// scratchShare is the part of everything else that Scratch allows for.
const scratchShare = 16

// Total returns the bytes of all together.
func (m Memory) Total() int {
	return m.Values + m.Gradients + m.Optimizer + m.Averages + m.Activations + m.Staging + m.Checkpoint + m.Scratch
}

// String lists all parts and their total.
func (m Memory) String() string {
	var parts []string
	for _, p := range []struct {
		name  string
		bytes int
	}{{"values", m.Values}, {"gradients", m.Gradients}, {"optimiser", m.Optimizer}, {"averages", m.Averages},
		{"activations", m.Activations}, {"staging", m.Staging}, {"checkpoint", m.Checkpoint}, {"scratch", m.Scratch}} {
		if p.bytes > 0 {
			parts = append(parts, p.name+" "+bytesText(p.bytes))
		}
	}
	return fmt.Sprintf("%s: %s", bytesText(m.Total()), strings.Join(parts, ", "))
}

func bytesText(n int) string {
	if n < 1<<30 {
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
}

// planMemory counts what training on batches of n images takes, by running a step on the planning device.
func (t *trainer) planMemory(n int) (Memory, error) {
	step, err := model.PlanStep(t.cfg.Model, t.dtype, n, t.cfg.ImageSize)
	if err != nil {
		return Memory{}, err
	}
	plan, err := gpu.Open("plan", gpu.Options{})
	if err != nil {
		return Memory{}, err
	}
	defer plan.Close()
	m, err := model.New(t.cfg.Model)
	if err != nil {
		return Memory{}, err
	}
	staging := plan.NewArena(0)
	slots := 1
	if t.dev.Overlaps() {
		slots = 2
	}
	for range slots {
		m.NewBatch(staging, t.dtype, n, t.cfg.ImageSize, t.cfg.ImageSize)
	}
	staging.New(nn.Master(t.dtype), len(t.cfg.Model.Modalities), 4)
	x := Memory{Values: step.Values, Gradients: step.Grads, Optimizer: step.Grads * t.cfg.Optimizer.StateTensors(),
		Activations: step.Activations, Staging: staging.Peak()}
	if t.cfg.EMA > 0 {
		x.Averages = 2 * step.Grads // and the parameters kept while the averages stand in for them
	}
	if t.dev.Card() == nil {
		x.Checkpoint = x.Values + x.Optimizer + x.Averages/2 + x.Gradients
	}
	x.Scratch = x.Total() / scratchShare
	return x, nil
}

// reserve fails where the device has not the memory that training takes, before any of it is taken.
func (t *trainer) reserve() error {
	need, err := t.planMemory(t.cfg.Batch)
	if err != nil {
		return err
	}
	free, where := t.o.Memory, "this machine or its control group"
	if card := t.dev.Card(); card != nil {
		free, where = card.Free, "the GPU"
	}
	t.event(Event{Kind: Planned, Memory: need, Free: free})
	if free == 0 || need.Total() <= free {
		return nil
	}
	return t.tooLarge(need, free, where)
}

// tooLarge says what to change so that training fits into free bytes.
func (t *trainer) tooLarge(need Memory, free int, where string) error {
	var planErr error
	fits := sort.Search(t.cfg.Batch, func(i int) bool {
		m, err := t.planMemory(i + 1)
		if err != nil {
			planErr = err
		}
		return m.Total() > free
	})
	if planErr != nil {
		return planErr
	}
	fix := fmt.Sprintf("--batch %d is the largest that fits; --accumulate %d with it keeps the images per step, not the negatives;\nor a smaller --image-size or --encoder",
		fits, (t.cfg.Batch+max(1, fits)-1)/max(1, fits))
	if fits < leastBatch {
		fix = "a smaller --image-size, --encoder or --hidden: not even a batch of 2 fits; contig-gpu plan shows what does"
	}
	return &data.Problem{Code: codeMemory,
		What:     fmt.Sprintf("a step of %d images of %d px with %s does not fit into memory", t.cfg.Batch, t.cfg.ImageSize, t.cfg.Model.Encoder),
		Expected: need.String(), Found: fmt.Sprintf("%s free in %s", bytesText(free), where),
		Cause: "--batch, --image-size or --encoder are meant for a larger machine, or other programs use this one's memory", Fix: fix}
}
