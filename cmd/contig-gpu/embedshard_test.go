package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"contig-gpu/cmd/internal/progress"
	"contig-gpu/cmd/internal/shard"
	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/gpu/gputest"
	"contig-gpu/gpu/gputest/turn"
	"contig-gpu/model/checkpoint"
	"contig-gpu/model/setting"
	"contig-gpu/model/train"
)

// shardsOf makes n shards of a command, and returns their folders, the last first.
func shardsOf(t *testing.T, n int, args ...string) []string {
	t.Helper()
	var dirs []string
	root := t.TempDir()
	for i := n; i >= 1; i-- {
		dir := filepath.Join(root, fmt.Sprint(i))
		must(t, append(args, "--out", dir, "--shard", fmt.Sprintf("%d/%d", i, n))...)
		dirs = append(dirs, dir)
	}
	return dirs
}

// joined joins shards and returns the folder.
func joined(t *testing.T, dirs []string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "joined")
	must(t, append([]string{"merge", "--out", out}, dirs...)...)
	return out
}

// severalImages writes a cohort of 9 persons with two images each, some without scores, trains on it for a step in batches of 4, and returns both.
func severalImages(t *testing.T, more ...string) (cohort, run string) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	cohort, run = filepath.Join(t.TempDir(), "cohort"), filepath.Join(t.TempDir(), "run")
	must(t, "synth", "--out", cohort, "--persons", "12", "--images-per-person", "2", "--image-size", "32", "--snps", "20", "--pgs", "3", "--burden", "4", "--covariates", "2", "--missing", "pgs=0.4", "--seed", "5")
	must(t, append(small(cohort, run, "--batch", "4", "--max-steps", "1"), more...)...)
	return cohort, run
}

// TestEmbedShards: the shards that tasks make, in any order, become the bytes of one embed, and are their owner's alone.
func TestEmbedShards(t *testing.T) {
	cohort, run := severalImages(t)
	args := []string{"embed", "--run", run, "--images", cohort + "/images.tsv", "--data", cohort + "/data.toml"}
	whole := filepath.Join(t.TempDir(), "whole")
	must(t, append(args, "--out", whole)...)
	dirs := shardsOf(t, 3, args...)
	sameTree(t, joined(t, dirs), whole)
	for _, path := range []string{dirs[0], filepath.Join(dirs[0], shard.FileName)} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	}
}

// TestAnyNumberOfShards: one shard, several, more than persons; persons who lack modalities; images alone; float64; a network without genetics. The network is loaded once for all.
func TestAnyNumberOfShards(t *testing.T) {
	for _, x := range []struct {
		name  string
		n     []int
		alone bool // without genetics
		train []string
	}{
		{"genetics", []int{1, 2, 7, 13}, false, nil}, {"images alone", []int{3}, true, nil},
		{"float64", []int{5}, false, []string{"--precision", "f64"}}, {"simclr", []int{5}, false, []string{"--objective", "simclr"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			turn.Share(t)
			cohort, run := severalImages(t, x.train...)
			s := newSettings(setting.Default)
			if s.Images = cohort + "/images.tsv"; !x.alone {
				s.Data = cohort + "/data.toml"
			}
			m, err := checkpoint.LoadWithin(run+"/checkpoints/best.safetensors", gputest.Open(t, "cpu", gpu.Options{}), "auto", 0)
			mustDo(t, err)
			defer m.Close()
			cfg, err := train.SettingsOf(m.Checkpoint)
			mustDo(t, err)
			co, err := openEveryone(s, m)
			mustDo(t, err)
			embed := func(images []int) *embedding {
				e, err := embedded(t.Context(), m, co, cfg, images, progress.New(io.Discard))
				mustDo(t, err)
				return embeddingOf(e, co, images, splitsOf(m.File.Path), aboutEmbedding{Encoder: "e"})
			}
			whole := t.TempDir()
			mustDo(t, embed(imagesFrom(0, len(co.Images))).write(whole))
			for _, n := range x.n {
				var dirs []string
				for i := n; i >= 1; i-- {
					share := shard.Share{I: i, N: n}
					w := embed(imagesOfShare(co, share))
					w.count()
					tensors, metadata, err := w.pack()
					mustDo(t, err)
					dirs = append(dirs, t.TempDir())
					mustDo(t, shard.Write(dirs[len(dirs)-1], aboutShard(share, m, co, w), tensors, metadata))
				}
				parts, err := shard.Open(dirs)
				mustDo(t, err)
				w, err := joinEmbedding(parts)
				mustDo(t, err)
				got := t.TempDir()
				mustDo(t, w.write(got))
				sameTree(t, got, whole)
			}
		})
	}
}

// TestMergeRefuses: what does not belong together is refused, and nothing is written.
func TestMergeRefuses(t *testing.T) {
	cohort, run := severalImages(t)
	args := []string{"embed", "--run", run, "--images", cohort + "/images.tsv", "--data", cohort + "/data.toml"}
	two, three := shardsOf(t, 2, args...), shardsOf(t, 3, args...)
	alone := shardsOf(t, 3, args[:len(args)-2]...)
	out := filepath.Join(t.TempDir(), "out")
	other := filepath.Join(t.TempDir(), "other")
	must(t, small(cohort, other, "--batch", "4", "--max-steps", "2")...)
	trained := shardsOf(t, 3, "embed", "--run", other, "--images", cohort+"/images.tsv", "--data", cohort+"/data.toml")
	whole := filepath.Join(t.TempDir(), "whole")
	must(t, append(args, "--out", whole)...)
	for _, x := range []struct {
		dirs []string
		says string
	}{
		{three[1:], "E741: "}, {three[1:], "missing: 3 of 3"}, {append(slices.Clone(three), three[0]), "E742: "}, {[]string{three[0], two[0], three[2]}, "number of shards"}, {[]string{three[0], trained[1], three[2]}, "checkpoint"},
		{[]string{three[0], alone[1], three[2]}, "persons, images and tables"}, {[]string{three[0], whole}, "E740: "}, {[]string{three[0], cohort}, "E740: "},
	} {
		if code, _, errs := exec(t, append([]string{"merge", "--out", out}, x.dirs...)...); code != 1 || !strings.Contains(errs, x.says) {
			t.Errorf("%v: exit code %d, %s, want %q", x.dirs, code, errs, x.says)
		}
	}
	for _, x := range [][]string{{"merge", "--out", out}, {"merge", three[0]}, append(args, "--out", out, "--shard", "0/3"), append(args, "--out", out, "--shard", "4/3"), append(args, "--out", out, "--shard", "all")} {
		if code, _, _ := exec(t, x...); code != 2 {
			t.Errorf("%v: exit code %d", x, code)
		}
	}
	if code, _, errs := exec(t, append(args, "--out", three[0], "--shard", "3/3")...); code != 1 || !strings.Contains(errs, "E130") {
		t.Errorf("a shard is replaced unasked: %s", errs)
	}
	if code, _, errs := exec(t, append(args, "--out", three[0], "--overwrite")...); code != 1 || !strings.Contains(errs, "E134") {
		t.Errorf("a shard is replaced by an embedding: %s", errs)
	}
	change(t, filepath.Join(three[1], shard.FileName), func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
	if code, _, errs := exec(t, append([]string{"merge", "--out", out}, three...)...); code != 1 || !strings.Contains(errs, "E714") || !strings.Contains(errs, "--overwrite") {
		t.Errorf("damage: exit code %d, %s", code, errs)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("something was written")
	}
	must(t, append(args, "--out", three[1], "--shard", "2/3", "--overwrite")...)
	must(t, append([]string{"merge", "--out", out}, three...)...)
	sameTree(t, out, whole)
	if code, _, errs := exec(t, append([]string{"merge", "--out", out}, three...)...); code != 1 || !strings.Contains(errs, "E130") {
		t.Errorf("what is there is replaced unasked: %d, %s", code, errs)
	}
	must(t, append([]string{"merge", "--out", out, "--overwrite"}, three...)...)
}

// TestWholeBatches: the batches of a share are those that all images are taken in.
func TestWholeBatches(t *testing.T) {
	for _, x := range []struct {
		images     []int
		all, batch int
		want       []int
	}{
		{[]int{0, 1}, 10, 4, []int{0, 1, 2, 3}}, {[]int{3, 4}, 10, 4, []int{0, 1, 2, 3, 4, 5, 6, 7}}, {[]int{9}, 10, 4, []int{8, 9}}, {nil, 10, 4, nil}, {[]int{0, 9}, 10, 4, []int{0, 1, 2, 3, 8, 9}}, {[]int{0, 1, 2}, 3, 1, []int{0, 1, 2}},
	} {
		if got := wholeBatches(x.images, x.all, x.batch); !slices.Equal(got, x.want) {
			t.Errorf("%v of %d by %d: %v, want %v", x.images, x.all, x.batch, got, x.want)
		}
	}
	c := &data.Cohort{Persons: []data.Person{{Images: []int{0, 3}}, {Images: []int{1}}, {Images: []int{2, 4}}}}
	if got := imagesOfShare(c, shard.Share{I: 2, N: 2}); !slices.Equal(got, []int{1, 2, 4}) {
		t.Errorf("%v", got)
	}
}

// TestDevicesOfShards: shards of different devices are told, those of one are not.
func TestDevicesOfShards(t *testing.T) {
	var parts []*shard.Part
	for i := range 8 {
		parts = append(parts, &shard.Part{About: shard.About{Share: shard.Share{I: i + 1, N: 8}, Device: "A"}})
	}
	if text := devices(parts); text != "" {
		t.Error(text)
	}
	parts[2].Device = "B"
	if text := devices(parts); !warns(text) || !strings.Contains(text, "A (shard 1, 2, 4, 5, 6, ...); B (shard 3)") {
		t.Error(text)
	}
}
