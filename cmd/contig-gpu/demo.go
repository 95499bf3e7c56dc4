package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/data/folder"
	"contig-gpu/data/synth"
)

// fitDemo makes the settings those of a run without data: it ends within three minutes on two cores and retrieves
// held-out persons far above chance. Flags and --config win over them.
func (s *settings) fitDemo() {
	s.Model.Encoder, s.Model.Hidden, s.Model.Embedding = "resnet18", 512, 128
	s.ImageSize, s.Batch, s.Epochs, s.Augment = 48, 64, 8, false
}

// demoForm changes with what the files of the demo cohort hold: one of another form is not taken for it.
const demoForm = 4

// demoCohort makes the demo cohort in the user's cache folder, or finds it there, and returns its folder.
func demoCohort(ctx context.Context, say func(string, ...any), line *progress.Line) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	o := synth.DefaultDemo()
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %+v", version, demoForm, o))
	return demoIn(ctx, filepath.Join(cache, "contig-gpu", fmt.Sprintf("demo-%x", sum[:6])), o, say, line)
}

// drawing shows how many images synth has drawn.
func drawing(line *progress.Line) func(done, images int) {
	return func(done, images int) { line.Count(done, images, "images drawn") }
}

// demoIn makes a demo cohort in dir, where it is not there whole.
func demoIn(ctx context.Context, dir string, o synth.Options, say func(string, ...any), line *progress.Line) (string, error) {
	if folder.Whole(dir, folder.Demo) {
		say("no --images and --data: training on the demo cohort in %s", dir)
		return dir, nil
	}
	say("no --images and --data: making a demo cohort of %d persons in %s", o.Persons, dir)
	// Another first run may have made it meanwhile: the same bytes. What is there in part, or was changed, is made anew.
	_, err := synth.Telling(ctx, folder.Target{Dir: dir, Kind: folder.Demo, Overwrite: true}, o, drawing(line))
	line.Done()
	return dir, err
}
