package train

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDiskIsPlanned: the bytes of a checkpoint are known before the first step to within its head, and too little room is
// E723 with both figures, before anything is written.
func TestDiskIsPlanned(t *testing.T) {
	slow(t)
	dir := filepath.Join(t.TempDir(), "run")
	c := tiny(t)
	c.Epochs, c.Keep, c.EMA = 2, 2, 0.9
	o := options(c, dir)
	var d Disk
	o.Progress = func(e Event) {
		if e.Kind == Planned {
			d = e.Disk
		}
	}
	mustRun(t, o)
	st, err := os.Stat(CheckpointPath(dir, "last"))
	if err != nil {
		t.Fatal(err)
	}
	if over := d.Bytes - st.Size(); over < 0 || over > 1<<17 || d.Checkpoints != 3 || d.Free <= 0 {
		t.Errorf("planned %+v, a checkpoint has %d bytes", d, st.Size())
	}
	tr := &trainer{o: &o}
	d.Free = d.Total() - 1
	if p := wantCode(t, tr.checkDisk(d), codeDisk); !strings.Contains(p.Expected, bytesText(int(d.Total()))) || !strings.Contains(p.Found, bytesText(int(d.Free))) {
		t.Errorf("%v", p)
	}
	d.There = 1
	if err := tr.checkDisk(d); err != nil {
		t.Errorf("what is there makes way: %v", err)
	}
	if d.Free, d.There = -1, 0; tr.checkDisk(d) != nil {
		t.Error("refused where nothing is known")
	}
	if n := checkpointsThere(dir); n < st.Size() || n > 2*st.Size()+1000 { // three names of two files at most
		t.Errorf("%d bytes are there, of files of %d", n, st.Size())
	}
}

// TestCheckpointsAtOnce: as many files as are there at a time.
func TestCheckpointsAtOnce(t *testing.T) {
	for _, x := range []struct {
		epochs, keep int
		links        bool
		want         int
	}{{1, 3, true, 2}, {3, 3, true, 4}, {4, 3, true, 6}, {100, 0, true, 3}, {1, 3, false, 4}, {100, 3, false, 7}} {
		if n := checkpointsAtOnce(x.epochs, x.keep, x.links); n != x.want {
			t.Errorf("%+v: %d", x, n)
		}
	}
}
