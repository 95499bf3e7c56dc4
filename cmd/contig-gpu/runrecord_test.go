package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"contig-gpu/cmd/internal/report"
	"contig-gpu/model/train"
)

// TestRecordIsOfTheRun: run.json has the command as it was given, where, when, which settings are not the recipe's and from which value, and a digest of each source,
// which the page shows; a second session adds its time to that of the first.
func TestRecordIsOfTheRun(t *testing.T) {
	cohort := tiny(t)
	t.Chdir(t.TempDir())
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	args := small(cohort, "run", "--max-steps", "1", "--tau", "0.25", "--device", "cpu", "--threads", "1")
	must(t, args...)
	var raw map[string]any
	if err := json.Unmarshal(read(t, "run", recordName), &raw); err != nil || raw["folder"] != here || raw["schema"] != 1.0 || raw["peak_memory_bytes"] == 0.0 {
		t.Errorf("%v: %v", err, raw)
	}
	k := readRecord("run")
	began, err1 := time.Parse(time.RFC3339, k.Started)
	ended, err2 := time.Parse(time.RFC3339, k.Ended)
	if err1 != nil || err2 != nil || ended.Before(began) || !slices.Equal(k.Command, append([]string{"contig-gpu"}, args...)) || !strings.HasPrefix(k.Version, version) || k.Host == "" || k.CPU == "" ||
		k.Device != "device: cpu, 1 thread, f32: as --device says" || k.Steps != 1 || k.Total != 1 || !k.Finished || k.Sessions != 1 || k.Seconds <= 0 {
		t.Errorf("%v, %v, %+v", err1, err2, k)
	}
	if want := (report.Change{Name: "tau", Default: "0.1", Here: "0.25"}); !slices.Contains(k.Changed, want) {
		t.Errorf("%+v lacks %+v", k.Changed, want)
	}
	page, names := string(read(t, "run", reportName)), map[string]bool{}
	for _, s := range k.Sources {
		names[s.Name] = true
		if len(s.Train) != 64 || !strings.Contains(page, s.Train[:12]) || strings.Contains(page, s.Stats[:12]) {
			t.Errorf("%s: %d rows, %d features, %s is not on the page, or another digest is", s.Name, s.Rows, s.Features, s.Train)
		}
	}
	if x := train.StandingOf("run"); !names[""] || len(names) != 1+len(x.Config.Model.Modalities) {
		t.Errorf("%v", names)
	}
	change(t, filepath.Join("run", recordName), func(text []byte) []byte {
		raw["seconds"] = 1000
		out, err := json.Marshal(raw)
		if err != nil {
			t.Fatal(err)
		}
		return out
	})
	must(t, "train", "--run", "run", "--resume", "--max-steps", "2")
	again := readRecord("run")
	if again.Seconds < 1000 || again.Seconds > 2000 || again.Sessions != 2 || again.Started != k.Started || !slices.Equal(again.Command, k.Command) || again.Steps != 2 {
		t.Errorf("of two sessions: %+v", again)
	}
}
