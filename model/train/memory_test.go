package train

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/turn"
)

// trained trains and returns what was planned, and the trainer, which still holds its memory.
func trained(t *testing.T, o Options) (Memory, *trainer) {
	t.Helper()
	var plan Memory
	o.Progress = func(e Event) {
		if e.Kind == Planned {
			plan = e.Memory
		}
	}
	tr, err := newTrainer(&o)
	t.Cleanup(tr.close)
	if err == nil {
		_, err = tr.run(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
	return plan, tr
}

// TestPlanIsWhatIsHeld: arena by arena, whatever the model, the batch and the precision, and with evaluations; on a GPU
// the driver's own count says the same, and no operation worked in more scratch memory than was reserved.
func TestPlanIsWhatIsHeld(t *testing.T) {
	turn.Share(t)
	slow(t)
	co := synthCohort(t, 20)
	for i, c := range []struct {
		on  []string
		set func(c *Config)
	}{
		{[]string{"cpu f32", "cuda bf16"}, func(c *Config) {}},
		{[]string{"cpu f64", "cuda f32"}, func(c *Config) { c.Batch, c.Chunk, c.Model.Genetics, c.EMA = 5, 3, "h12", 0.9 }},
		{[]string{"cpu f32", "cuda f16"}, func(c *Config) {
			c.Batch, c.ImageSize, c.Model.Genetics, c.Optimizer.Name, c.Accumulate = 2, 33, "none", "sgd", 2
		}},
	} {
		for _, on := range c.on {
			t.Run(fmt.Sprint(i, " ", on), func(t *testing.T) {
				o := tiny(t)
				o.Batch, o.Epochs, o.MaxSteps = 4, 0, 1
				o.Device, o.Precision, _ = strings.Cut(on, " ")
				c.set(&o)
				names := []string{"values", "gradients", "optimizer", "activations", "staging", "scalars", "scratch", "checkpoint"}
				options := optionsFor(o, filepath.Join(t.TempDir(), "run"), 16)
				if o.Device == "cuda" { // which keeps the tables and makes the images
					gputest.UseEmulator(t)
					options, names = synthOptions(o, co, options.Dir), append(names, "tables", "pinned")
				}
				plan, tr := trained(t, options)
				held := tr.memory(tr.engine, tr.dims)
				if !slices.Equal(plan.Device, held.Device) || !slices.Equal(plan.Host, held.Host) {
					t.Errorf("planned %v\nheld    %v", plan, held)
				}
				other, err := MemoryOf(tr.cfg, tr.dims.PixelSide, tr.dev)
				if err != nil || !slices.Equal(unread(other.Device), unread(held.Device)) || !slices.Equal(other.Host, unread(held.Host)) {
					t.Errorf("plan says %v, %v", other, err)
				}
				for _, name := range names {
					if !strings.Contains(plan.String(), name+" ") {
						t.Errorf("no %s in %v", name, plan)
					}
				}
				if g := tr.dev.GPU(); g != nil {
					if taken := g.Memory - g.Free; taken != plan.OnDevice() {
						t.Errorf("the driver gave %d bytes, planned are %d", taken, plan.OnDevice())
					}
					if most := tr.dev.Scratch(); most > tr.count.Scratch {
						t.Errorf("%d bytes of scratch memory were used, %d reserved", most, tr.count.Scratch)
					}
				}
			})
		}
	}
}

// unread leaves out what only the data tell: the persons' tables, the batches that wait, the images kept.
func unread(all []gpu.Held) []gpu.Held {
	return slices.DeleteFunc(slices.Clone(all), func(h gpu.Held) bool { return slices.Contains([]string{"tables", "batches", "decoded images"}, h.Name) })
}

// TestMemoryIsCountedFirst: a training that does not fit says so, with the largest equal part of the batch that does, and leaves nothing.
func TestMemoryIsCountedFirst(t *testing.T) {
	var plan Memory
	planned := func(batch, free int) (string, error) {
		o := options(tiny(t), filepath.Join(t.TempDir(), "run"))
		o.Config.Batch, o.Config.MaxSteps, o.Memory = batch, 1, free
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		o.Progress = func(e Event) {
			if e.Kind == Planned {
				plan = e.Memory
				if free == 0 {
					cancel() // before the first step
				}
			}
		}
		_, err := Run(ctx, o)
		return o.Dir, err
	}
	if _, err := planned(8, 0); !errors.Is(err, context.Canceled) {
		t.Fatalf("where free memory is not known: %v", err)
	}
	eight := plan.Total()
	dir, err := planned(12, eight+1)
	p := wantCode(t, err, codeMemory)
	if !strings.Contains(p.Fix, "--batch 6 fits; --accumulate 2 ") || !strings.Contains(p.Fix, "--chunk ") || !strings.Contains(p.Expected, plan.String()) || !strings.Contains(p.Expected, fmt.Sprint(plan.OnDevice())) {
		t.Errorf("12 images in the memory of 8: %v", p)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the run folder is there: %v", err)
	}
	if _, err := planned(8, 1<<20); !strings.Contains(wantCode(t, err, codeMemory).Fix, "not even a batch of 2") {
		t.Errorf("in 1 MiB: %v", err)
	}
}

// TestLargestBatch: one image more does not fit.
func TestLargestBatch(t *testing.T) {
	c := tiny(t)
	c.Precision, c.Model.Modalities = "f32", modalitiesOf(testCohort(8))
	for _, d := range []*gpu.Device{gputest.Open(t, "cpu", gpu.Options{}), gputest.Open(t, "plan:cuda", gpu.Options{})} {
		var room [2]int
		for i := range room {
			c.Batch = 42 + i
			m, err := MemoryOf(c, 0, d)
			if err != nil {
				t.Fatal(err)
			}
			if room[i] = m.OnDevice(); d.GPU() == nil {
				room[i] = m.Total()
			}
		}
		for free, want := range map[int]int{0: 0, 1 << 20: 0, room[0]: 42, room[1] - 1: 42, room[1]: 43} {
			if c.Batch = 42; free == room[1] {
				c.Batch = 43
			}
			if got, err := LargestBatch(c, 0, d, free); err != nil || got != want {
				t.Errorf("%s, %d bytes: %d images (%v), want %d", d.Name(), free, got, err, want)
			}
		}
	}
}

// TestMemoryRunsOut: where something else takes the GPU's memory after the plan said that a training fits, the error names
// the arena that found no room, and a batch that would fit.
func TestMemoryRunsOut(t *testing.T) {
	slow(t)
	gputest.UseEmulator(t)
	four := onGPU(t, "f32", 1)
	four.Batch, four.Model.Modalities = 4, modalitiesOf(testCohort(8))
	small, err := MemoryOf(four, 0, gputest.Open(t, "cuda", gpu.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	const slack = 1 << 16 // the advice is on the safe side of scratch memory, but for no whole image
	o := options(onGPU(t, "f32", 1), filepath.Join(t.TempDir(), "run"))
	o.Progress = func(e Event) {
		if e.Kind != Planned {
			return
		}
		other := gputest.Open(t, "cuda", gpu.Options{})
		other.NamedArena("another program", e.Free-small.OnDevice()-slack)
		if err := other.Sync(); err != nil {
			t.Error(err)
		}
	}
	_, err = Run(context.Background(), o)
	p := wantCode(t, err, codeOutOfMemory)
	var m *gpu.MemoryError
	if !errors.As(err, &m) || m.Arena != "activations" || m.Free >= m.Bytes {
		t.Errorf("%+v", m)
	}
	if !strings.Contains(p.What, "activations") || !strings.Contains(p.Fix, "--batch 4 ") || !strings.Contains(p.Expected, fmt.Sprint(m.Bytes)) {
		t.Errorf("the problem: %v", p)
	}
	if _, err := os.Stat(o.Dir); !os.IsNotExist(err) {
		t.Errorf("the run folder is there: %v", err)
	}
}
