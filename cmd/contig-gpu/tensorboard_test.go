package main

import (
	"bytes"
	"encoding/binary"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"contig-gpu/cmd/internal/report"
)

// TestEventFiles: a record a line of the metrics that has something to show, and TensorBoard's own reader, where it is there, finds the same values.
func TestEventFiles(t *testing.T) {
	cohort, run := tiny(t), filepath.Join(t.TempDir(), "run")
	must(t, small(cohort, run, "--max-steps", "3", "--tensorboard")...)
	raw, records := read(t, run, eventFolder, eventName), 0
	t.Cleanup(func() { // the file is the run's own: it goes with it
		must(t, small(cohort, run, "--max-steps", "1", "--overwrite")...)
		if _, err := os.Stat(filepath.Join(run, eventFolder, eventName)); !os.IsNotExist(err) {
			t.Errorf("the event file of the run before is there: %v", err)
		}
	})
	must(t, "report", "--tensorboard", run)
	if !bytes.Equal(raw, read(t, run, eventFolder, eventName)) {
		t.Error("train and report write other event files")
	}
	for len(raw) > 0 {
		n := int(binary.LittleEndian.Uint64(raw))
		raw, records = raw[8+4+n+4:], records+1
	}
	rows, err := report.ReadMetrics(bytes.NewReader(read(t, run, metricsName)))
	if err != nil || records != 1+len(rows) {
		t.Errorf("%d records of %d lines, %v", records, len(rows), err)
	}
	for _, r := range rows {
		if r.Time < 1e9 {
			t.Errorf("a line without a time: %+v", r)
		}
	}
	const reads = `
import sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
a = EventAccumulator(sys.argv[1]); a.Reload()
s = a.Scalars("loss/training")
print(len(s), [x.step for x in s], "recall10_all/test_image_to_genetics" in a.Tags()["scalars"], "%.5f" % s[-1].value)`
	if osexec.Command("python3", "-c", "import tensorboard").Run() != nil {
		t.Skip("python3 has no tensorboard to read the file: pip install -r scripts/requirements/readers.txt")
	}
	out, err := osexec.Command("python3", "-c", reads, filepath.Join(run, eventFolder)).CombinedOutput()
	if want := "3 [1, 2, 3] True " + fmtLoss(report.Of(rows, "step")[2].Loss); err != nil || !strings.Contains(string(out), want) {
		t.Errorf("TensorBoard reads %s, %v; want %s", out, err, want)
	}
}

func fmtLoss(v float64) string { return strconv.FormatFloat(float64(float32(v)), 'f', 5, 64) }
