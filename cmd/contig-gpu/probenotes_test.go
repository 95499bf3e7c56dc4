package main

import (
	"strings"
	"testing"

	emb "contig-gpu/data/embedded"
)

// TestProbeRemarks: a class that no row of a split has is noted with what follows (P2), and where fewer than half of the labels are defined there is a warning.
func TestProbeRemarks(t *testing.T) {
	split := func(i int) string { return []string{"train", "train", "train", "validation", "test", "test"}[i%6] }
	c := makeProbeCohort(t, 120, 1, func(row map[string]string, i int) {
		if row["grade"] == "3" && split(i) == "test" {
			row["grade"] = "1"
		}
		if row["grade"] == "0" && split(i) == "train" {
			row["grade"] = "1"
		}
		if split(i) == "test" {
			row["drusen"] = "0"
		}
	})
	m, out := c.probe(t, "--target", "grade", "--task", "classes")
	said := strings.Join(m.Notes, "\n")
	for _, want := range []string{"No train row is of class 0: it is never predicted", "No test row is of class 3: its AUC is undefined"} {
		if !strings.Contains(said, want) || !strings.Contains(string(read(t, out, "report.html")), want) {
			t.Errorf("no note %q in %s", want, said)
		}
	}
	if strings.Contains(said, "W1014") || m.Metrics["roc_auc.3"].Undefined == "" || m.Metrics["roc_auc_macro"].Value == nil {
		t.Errorf("notes %s, metrics %+v", said, m.Metrics)
	}
	m, _ = c.probe(t, "--target", "drusen,edema", "--task", "labels")
	if strings.Contains(strings.Join(m.Notes, "\n"), "W1014") || m.Labels != 1 {
		t.Errorf("half of the labels are defined: %v, %d", m.Notes, m.Labels)
	}
	three := makeProbeCohort(t, 120, 1, func(row map[string]string, i int) {
		if split(i) == "test" {
			row["drusen"], row["noise"] = "0", "1"
		}
	})
	m, _ = three.probe(t, "--target", "drusen,noise,edema", "--task", "labels")
	if !strings.Contains(strings.Join(m.Notes, "\n"), "W1014: the AUC of only 1 of 3 labels is defined") {
		t.Errorf("notes %v", m.Notes)
	}
}

// TestProbeRoom: features that are too many for the memory that is free are refused with bytes, before any are taken; rows, width and names add up.
func TestProbeRoom(t *testing.T) {
	f := &features{name: "x", width: 2048, rows: &emb.Rows{Path: "x"}}
	need := int64(probeRoom(100_000, 20_000, 2048, 45))
	if least := int64(8 * 2048 * (2*100_000 + 20_000)); need < least || need > 4*least {
		t.Errorf("%d bytes, of features and a copy alone %d", need, least)
	}
	if err := fitsProbe(need, f, 100_000, 20_000, 45); err != nil {
		t.Error(err)
	}
	if err := fitsProbe(0, f, 100_000, 20_000, 45); err != nil {
		t.Errorf("where it is not known what is free: %v", err)
	}
	err := fitsProbe(need-1, f, 100_000, 20_000, 45)
	if err == nil || !strings.Contains(err.Error(), "E1015") || !strings.Contains(err.Error(), "GiB") {
		t.Errorf("%v", err)
	}
	if err := fitsProbe(1<<40, f, 1<<40, 1<<40, 1<<20); err == nil {
		t.Error("more than a number can hold fits")
	}
	if got := shortName("/a/b/run/emb/"); got != "run/emb" || shortName("random") != "random" {
		t.Errorf("short: %s", got)
	}
}
