package train

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// TestResumeComparesContent: a run goes on with the content that it began with; one that began before contents were kept
// takes any, and keeps it from then on.
func TestResumeComparesContent(t *testing.T) {
	slow(t)
	dir := filepath.Join(t.TempDir(), "run")
	c := tiny(t)
	c.MaxSteps = 1
	mustRun(t, options(c, dir)) // its cohort has no content, as in older versions
	for _, r := range []struct {
		content, refused string
	}{{"a", ""}, {"b", "content b"}, {"", "content that was not computed"}, {"a", ""}} {
		before := read(t, CheckpointPath(dir, "last"))
		o := options(c, dir)
		o.Resume, o.Cohort.Content = true, r.content
		o.Config.MaxSteps++
		_, err := Run(context.Background(), o)
		if r.refused == "" {
			if err != nil {
				t.Fatalf("content %q: %v", r.content, err)
			}
			c.MaxSteps++
			s, err := readCheckpoint(CheckpointPath(dir, "last"))
			if err != nil || s.Content != r.content {
				t.Errorf("content %q is kept as %q: %v", r.content, s.Content, err)
			}
			continue
		}
		if p := wantCode(t, err, 702); p.Expected != "content a" || p.Found != r.refused || !strings.Contains(p.What, "genotypes, values or images") {
			t.Errorf("content %q: %v", r.content, p)
		}
		if string(before) != string(read(t, CheckpointPath(dir, "last"))) {
			t.Error("a refused run changed the checkpoint")
		}
	}
	o := options(c, dir)
	o.Resume, o.Cohort.Hash, o.Cohort.Content = true, "other", "b"
	_, err := Run(context.Background(), o)
	if p := wantCode(t, err, 702); !strings.Contains(p.What, "statistics differ") || p.Found != "cohort other" {
		t.Errorf("both differ: %v", p)
	}
}
