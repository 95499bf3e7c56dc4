package train

import (
	"context"
	"path/filepath"
	"testing"

	"contig-gpu/data"
	"contig-gpu/gpu"
)

// heldTable is a table that says what it takes.
type heldTable struct {
	data.Table
	bytes int
}

// Bytes returns what it was given.
func (t heldTable) Bytes() int { return t.bytes }

// TestTablesAreCounted: what the cohort's tables hold stands in the list, and against the memory that there is.
func TestTablesAreCounted(t *testing.T) {
	const bytes = 12345678
	planned := func(bytes, free int) (m Memory, err error) {
		o := options(tiny(t), filepath.Join(t.TempDir(), "run"))
		c := *o.Cohort
		o.Cohort, o.Config.MaxSteps, o.Memory = &c, 1, free
		if bytes > 0 {
			c.Tables = append([]data.Table{heldTable{c.Tables[0], bytes}}, c.Tables[1:]...)
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		o.Progress = func(e Event) {
			if e.Kind == Planned {
				m = e.Memory
				cancel()
			}
		}
		_, err = Run(ctx, o)
		return m, err
	}
	tables := func(m Memory) (n int) {
		for _, h := range append(append([]gpu.Held{}, m.Device...), m.Host...) {
			if h.Name == "tables" {
				n += h.Bytes
			}
		}
		return n
	}
	without, err := planned(0, 0)
	if err != context.Canceled || tables(without) != 0 {
		t.Fatalf("%d bytes of tables that do not say what they take, %v", tables(without), err)
	}
	with, err := planned(bytes, 0)
	if err != context.Canceled || tables(with) != bytes || with.OnHost() != without.OnHost()+bytes || with.OnDevice() != without.OnDevice() {
		t.Errorf("%d bytes of tables, %v: %v", tables(with), err, with)
	}
	if _, err := planned(bytes, with.Total()); err != context.Canceled {
		t.Errorf("where it fits: %v", err)
	}
	_, err = planned(bytes, with.Total()-1)
	wantCode(t, err, codeMemory)
}
