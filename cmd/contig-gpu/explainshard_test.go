package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"contig-gpu/gpu/gputest"
)

// TestExplainShards: shards, in any order and more of them than persons, become the bytes of one explain: persons who lack a modality, several methods, tests, maps.
// An interrupted shard goes on where it was.
func TestExplainShards(t *testing.T) {
	x, dir := trainTiny(t, tiny(t)), t.TempDir()
	list, whole := filepath.Join(dir, "list"), filepath.Join(dir, "whole")
	var ids []string
	for _, row := range keyed(t, x.cohort, "images.tsv")[:6] {
		ids = append(ids, row["person_id"])
	}
	mustDo(t, os.WriteFile(list, []byte(strings.Join(ids, "\n")+"\n"), 0o644))
	flags := func(persons, out string, more ...string) []string {
		return x.explain(out, append([]string{"--reference", "10", "--method", "ig,gradient", "--persons", persons, "--modalities", "pgs,burden", "--maps", "2", "--image-method", "gradient"}, more...)...)
	}
	for _, c := range []struct {
		persons string
		n       int
	}{{list, 7}, {"test", 2}} {
		whole := filepath.Join(dir, "whole"+fmt.Sprint(c.n))
		must(t, flags(c.persons, whole)...)
		var dirs []string
		for i := c.n; i >= 1; i-- {
			out := filepath.Join(dir, fmt.Sprint(c.n), fmt.Sprint(i))
			args := flags(c.persons, out, "--shard", fmt.Sprintf("%d/%d", i, c.n))
			if i == 2 && c.n == 2 {
				interruptedShard(t, args, flags(c.persons, out, "--shard", "1/2", "--resume"))
				args = append(args, "--resume")
			}
			must(t, args...)
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(out), ".*")); len(left) > 0 {
				t.Errorf("left %v", left)
			}
			dirs = append(dirs, out)
		}
		t.Chdir(t.TempDir()) // files are found from wherever merge is called
		out := joined(t, append([]string{"--device", "cpu"}, dirs...))
		sameTree(t, out, whole)
	}
	if code, _, errs := exec(t, append(flags(list, whole), "--shard", "0/2")...); code != 2 || !strings.Contains(errs, "explain: --shard:") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// interruptedShard stops a shard while it explains, and wants that another shard does not go on with it.
func interruptedShard(t *testing.T, args, other []string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := &watcher{after: "explanations of persons, now of pgs", do: cancel}
	var errs bytes.Buffer
	if code := finish(run(ctx, args, w, &errs), &errs); code == 0 || !strings.Contains(w.String(), "finished parts are kept") {
		t.Fatalf("exit code %d, %s%s", code, w.String(), errs.String())
	}
	if code, _, errs := exec(t, other...); code != 1 || !strings.Contains(errs, "E908") || !strings.Contains(errs, "is asked for: shard") {
		t.Errorf("another shard goes on: exit code %d, %s", code, errs)
	}
}

// TestMergeRefusesExplanations: shards of other settings, that are damaged, or whose files have changed since are refused, and nothing is written.
func TestMergeRefusesExplanations(t *testing.T) {
	x, dir := trainTiny(t, tiny(t)), t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	shardAt := func(name, of string, more ...string) string {
		must(t, x.explain(at(name), append([]string{"--reference", "10", "--modalities", "burden", "--method", "gradient", "--test", "none", "--shard", of}, more...)...)...)
		return at(name)
	}
	one, two, fdr, of := shardAt("one", "1/2"), shardAt("two", "2/2"), shardAt("fdr", "2/2", "--fdr", "0.3"), shardAt("of", "2/2", "--of", "similarity")
	embedded := at("embedded")
	must(t, "embed", "--run", x.run, "--images", x.cohort+"/images.tsv", "--out", embedded, "--shard", "2/2")
	refused := func(says string, dirs ...string) {
		t.Helper()
		if code, _, errs := exec(t, append([]string{"merge", "--device", "cpu", "--out", at("out")}, dirs...)...); code != 1 || !strings.Contains(errs, says) {
			t.Errorf("%v: exit code %d, %s, want %q", dirs, code, errs, says)
		}
	}
	refused("E743: "+fdr, one, fdr)
	refused("--fdr", one, fdr)
	refused(": of", one, of)
	refused("verb", one, embedded)
	refused("E741", one)
	refused("E742", one, two, one)
	records := filepath.Join(two, fmt.Sprintf(recordsName, 0, 0))
	good := read(t, records)
	mustDo(t, os.Remove(records))
	refused("E710: "+records, one, two)
	mustDo(t, os.WriteFile(records, good[:len(good)-1], 0o600))
	refused("E713: "+records, one, two)
	mustDo(t, os.WriteFile(records, append(good[:len(good)-1:len(good)-1], good[len(good)-1]^1), 0o600))
	refused("E714: "+records, one, two)
	mustDo(t, os.WriteFile(records, read(t, one, filepath.Base(records)), 0o600))
	refused("E714: "+records, one, two) // whole, and another's
	mustDo(t, os.WriteFile(records, good, 0o600))
	change(t, filepath.Join(x.cohort, "images.tsv"), func(b []byte) []byte { return b[:bytes.LastIndexByte(b[:len(b)-1], '\n')+1] })
	refused("what is read now is not what the shard was made from: data", one, two)
	left, _ := filepath.Glob(at(".*"))
	if _, err := os.Stat(at("out")); err == nil || len(left) > 0 {
		t.Errorf("something was written: %v", left)
	}
}

// TestShardsCUDA: on the emulated GPU shards become the bytes of one run, which the libraries of a GPU grant only where batches are those of one run.
func TestShardsCUDA(t *testing.T) {
	gputest.Long(t)
	if !emulated(t) {
		return
	}
	x, dir := trainTiny(t, tiny(t), "--device", "cpu"), t.TempDir()
	for _, c := range []struct {
		name string
		args []string
	}{
		{"embed", []string{"embed", "--run", x.run, "--images", x.cohort + "/images.tsv", "--data", x.cohort + "/data.toml"}},
		{"explain", []string{"explain", "--run", x.run, "--reference", "6", "--modalities", "burden", "--steps", "8"}},
	} {
		whole := filepath.Join(dir, c.name)
		args := append(c.args, "--device", "cuda")
		must(t, append(args, "--out", whole)...)
		sameTree(t, joined(t, append([]string{"--device", "cuda"}, shardsOf(t, 3, args...)...)), whole)
	}
}
