package folder

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A Kind says what a folder that this program has made holds.
type Kind string

// Kinds of folders.
const (
	Run         Kind = "run"
	Cohort      Kind = "cohort"
	Demo        Kind = "demo cohort"
	Embedding   Kind = "embedding"
	Explanation Kind = "explanation"
	Unfinished  Kind = "unfinished explanation"
	Scores      Kind = "scores"
	Probe       Kind = "probe"
	Association Kind = "association"
	Evaluation  Kind = "evaluation"
	Manifest    Kind = "manifest"
	Shard       Kind = "shard"
)

// MarkName is the file by which a folder is known to be ours, which --overwrite may replace. It is written last, so that it also says
// that the folder is whole. It names files, some after persons, and is readable by its owner only.
const MarkName = ".contig-gpu.json"

// A mark is what that file holds.
type mark struct {
	Kind   Kind             `json:"kind"`
	Files  map[string]int64 `json:"files,omitempty"`  // bytes, by path with slashes; absent for a run, which grows
	SHA256 string           `json:"sha256,omitempty"` // of all files in the order of their names, of what is kept in a cache
}

func readMark(dir string) (m mark, ok bool) {
	f, err := open(filepath.Join(dir, MarkName), os.O_RDONLY, 0)
	if err != nil {
		return mark{}, false
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return mark{}, false
	}
	return m, json.NewDecoder(f).Decode(&m) == nil && m.Kind != ""
}

// write makes the mark of dir.
func (m mark) write(dir string) error {
	return WriteFile(filepath.Join(dir, MarkName), 0o600, func(w io.Writer) error { return json.NewEncoder(w).Encode(m) })
}

// MarkRun marks dir as a run's folder.
func MarkRun(dir string) error { return mark{Kind: Run}.write(dir) }

// markOf lists the files of dir, and their digest where it is a cache.
func markOf(dir string, kind Kind) (mark, error) {
	m := mark{Kind: kind, Files: map[string]int64{}}
	err := eachFile(dir, func(name string, e fs.DirEntry) error {
		info, err := e.Info()
		if err == nil && name != MarkName {
			m.Files[name] = info.Size()
		}
		return err
	})
	if err == nil && kind == Demo {
		m.SHA256, err = m.digest(dir)
	}
	return m, err
}

func (m mark) digest(dir string) (string, error) {
	names, h := []string{}, sha256.New()
	for name := range m.Files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s\x00%d\x00", name, m.Files[name])
		_, err = io.Copy(h, f)
		f.Close()
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Whole reports whether dir is a folder of kind with every file that was put into it: of its size, and where the mark has a digest
// with the same bytes.
func Whole(dir string, kind Kind) bool {
	m, ok := readMark(dir)
	if !ok || m.Kind != kind {
		return false
	}
	for name, size := range m.Files {
		st, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil || !st.Mode().IsRegular() || st.Size() != size {
			return false
		}
	}
	if m.SHA256 == "" {
		return true
	}
	sum, err := m.digest(dir)
	return err == nil && sum == m.SHA256
}

// eachFile visits all below dir that is no folder, and folders that are empty, by paths with slashes.
func eachFile(dir string, visit func(name string, e fs.DirEntry) error) error {
	return filepath.WalkDir(dir, func(at string, e fs.DirEntry, err error) error {
		if at != dir && e != nil && e.IsDir() && filepath.Dir(at) == dir && passing(e.Name()) {
			return fs.SkipDir // may be unreadable, and counts as nothing
		}
		if err != nil || at == dir {
			return err
		}
		if e.IsDir() {
			if left, err := os.ReadDir(at); err != nil || len(left) > 0 {
				return err
			}
		}
		name, err := filepath.Rel(dir, at)
		if err != nil {
			return err
		}
		return visit(filepath.ToSlash(name), e)
	})
}

// A form is what folders of a kind hold that have no list of their files: runs, which grow, and what was made before there were marks.
type form struct {
	names []string   // patterns of path.Match; one that ends in /** has all below
	need  [][]string // any of these lists makes an unmarked folder one of the kind; none: every subset of the names does
}

func forms() map[Kind]form {
	cohort := []string{"images.tsv", "data.toml", "truth.json", "cohort.bed", "cohort.bim", "cohort.fam", "burden.tsv", "covariates.tsv", "phenotypes.tsv", "pgs/*.sscore", "images/*_*_[LR]_*.jpg"}
	embedding := []string{"persons.txt", "README.txt", "per-image/images.txt"}
	for _, in := range []string{"", "per-image/"} {
		for _, name := range []string{"features", "projection", "*.image", "*.genetics"} {
			embedding = append(embedding, in+name+".npy", in+name+".tsv")
		}
	}
	return map[Kind]form{
		Run: {[]string{"config.toml", "train.log", "metrics.jsonl", "report.html", "run.json", "heldout.json", "checkpoints", "checkpoints/last.safetensors", "checkpoints/best.safetensors", "checkpoints/epoch-*.safetensors",
			"private", "private/*", "metrics.json", "fits", "fits/**", "tensorboard", "tensorboard/events.out.tfevents.*"}, [][]string{{lockName}, {"metrics.jsonl", "checkpoints"}}},
		Cohort:     {cohort, [][]string{{"images.tsv", "data.toml", "truth.json", "images"}}},
		Demo:       {append(cohort, "pgs", "images"), [][]string{{}}},
		Embedding:  {embedding, [][]string{{"persons.txt", "features.npy", "per-image"}}},
		Unfinished: {[]string{"begun.json", "m*-*.part", "test-*.part", "claims-*.part", "maps-*.part", "decoys-*", "decoys-*/**"}, [][]string{{}}},
	}
}

// has reports whether a name may stand in a folder of the form: one of its names, the lock, or what a killed process was writing.
func (f form) has(name string) bool {
	if base := path.Base(name); name == lockName || name == MarkName || strings.HasPrefix(base, ".") && strings.Contains(base, ".tmp") {
		return true
	}
	return slices.ContainsFunc(f.names, func(pattern string) bool {
		if below, all := strings.CutSuffix(pattern, "/**"); all {
			first, _, _ := strings.Cut(name, "/")
			ok, _ := path.Match(below, first)
			return ok
		}
		ok, _ := path.Match(pattern, name)
		return ok
	})
}

// in reports whether dir, which has no mark, has what makes it one of the kind.
func (f form) in(dir string) bool {
	return slices.ContainsFunc(f.need, func(all []string) bool {
		return !slices.ContainsFunc(all, func(name string) bool {
			_, err := os.Lstat(filepath.Join(dir, name))
			return err != nil
		})
	})
}
