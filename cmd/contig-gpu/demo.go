package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"contig-gpu/cmd/internal/config"
	"contig-gpu/data/synth"
)

// demoValues are the settings of a run without data: it ends within three minutes on two cores and retrieves
// held-out persons far above chance. Flags and --config win over them.
func demoValues() config.Values {
	return config.Values{"encoder": "resnet18", "hidden": 512, "embedding": 128, "image-size": 48, "batch": 64, "epochs": 12,
		"no-augment": true}
}

// demoCohort makes the demo cohort in the user's cache folder, or finds it there, and returns its folder.
func demoCohort(say func(string, ...any)) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	o := synth.DefaultDemo()
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %+v", version, o))
	dir := filepath.Join(cache, "contig-gpu", fmt.Sprintf("demo-%x", sum[:6]))
	if _, err := os.Stat(dir); err == nil {
		say("no --images and --data: training on the demo cohort in %s", dir)
		return dir, nil
	}
	say("no --images and --data: making a demo cohort of %d persons in %s", o.Persons, dir)
	return dir, writeCohort(dir, o)
}

// writeCohort writes a synthetic cohort so that dir holds all of it or does not exist.
func writeCohort(dir string, o synth.Options) error {
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(parent, ".synth-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	part := filepath.Join(tmp, "cohort")
	if _, err := synth.Write(part, o); err != nil {
		return err
	}
	if err := os.Remove(dir); err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.Rename(part, dir)
}
