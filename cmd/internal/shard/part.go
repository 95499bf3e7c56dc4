package shard

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"contig-gpu/data"
	"contig-gpu/data/folder"
	"contig-gpu/model/checkpoint/safetensors"
)

// Numbers of docs/errors.md.
const (
	codeNoShard = 740
	codeMissing = 741
	codeTwice   = 742
	codeOthers  = 743
)

// FileName is the file of a shard's folder that says what it is; metadataKey is where.
const (
	FileName    = "shard.safetensors"
	metadataKey = "contig-gpu.shard"
)

// private is the mode of files that hold ids.
const private = 0o600

// An About is what a shard says of itself.
type About struct {
	Verb string `json:"verb"` // that made it: embed, explain
	Share
	Same   []Fact `json:"same"`   // of all shards of one whole
	Device string `json:"device"` // that computed it
}

// A Fact is something that all shards of one whole have in common.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// A Part is the folder of a shard.
type Part struct {
	Dir string
	About
}

// Write writes the file that says what a shard is, with what it has beside: tensors and metadata.
func Write(dir string, a About, tensors []safetensors.Tensor, metadata map[string]string) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	all := map[string]string{metadataKey: string(text)}
	for k, v := range metadata {
		all[k] = v
	}
	return WriteFile(filepath.Join(dir, FileName), tensors, all)
}

// WriteFile writes a file of a shard, which has a digest and is readable by its owner only.
func WriteFile(path string, tensors []safetensors.Tensor, metadata map[string]string) error {
	return folder.WriteFile(path, private, func(w io.Writer) error { return safetensors.Write(w, tensors, metadata) })
}

// Open reads what folders say of themselves and returns them in the order of their shares. E740 where one is no shard, E741 where shares are
// missing, E742 where one is there twice, E743 where they are not of one whole.
func Open(dirs []string) ([]*Part, error) {
	var all []*Part
	for _, dir := range dirs {
		p, err := open(dir)
		if err != nil {
			return nil, err
		}
		if len(all) > 0 {
			if err := p.same(all[0]); err != nil {
				return nil, err
			}
		}
		all = append(all, p)
	}
	slices.SortStableFunc(all, func(a, b *Part) int { return a.I - b.I })
	for k := 1; k < len(all); k++ {
		if a, b := all[k-1], all[k]; a.I == b.I {
			return nil, &data.Problem{Code: codeTwice, File: b.Dir, What: fmt.Sprintf("shard %s is there twice", b.Share), Expected: "each shard once", Found: fmt.Sprintf("it is also %q", a.Dir),
				Cause: "a folder was copied, is named twice, or a task wrote to another name when it was repeated", Fix: "name one of the two"}
		}
	}
	return all, complete(all)
}

// open reads what the folder of a shard says of itself.
func open(dir string) (*Part, error) {
	path := filepath.Join(dir, FileName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, none(dir, content(dir))
	}
	f, err := safetensors.ReadHeader(path)
	if err != nil {
		return nil, damaged(dir, err)
	}
	p := &Part{Dir: dir}
	text, ok := f.Metadata[metadataKey]
	if !ok {
		return nil, none(dir, "a file of this name that no shard has")
	}
	if err := json.Unmarshal([]byte(text), &p.About); err != nil || p.I < 1 || p.I > p.N {
		return nil, damaged(dir, safetensors.Damaged(path, "what a shard says of itself", fmt.Sprintf("%.100q", text)))
	}
	return p, nil
}

// none is E740.
func none(dir, found string) error {
	return &data.Problem{Code: codeNoShard, File: dir, What: "this is no shard", Expected: "a folder that --shard made", Found: found,
		Cause: "another folder, or a task that has not finished: a shard is there whole or not at all", Fix: "name the folders that embed --shard or explain --shard made"}
}

// content says what stands where a shard should be.
func content(dir string) string {
	st, err := os.Stat(dir)
	switch {
	case err != nil:
		return "no such folder"
	case !st.IsDir():
		return "a file"
	case folder.Whole(dir, folder.Embedding):
		return "a whole embedding"
	case folder.Whole(dir, folder.Explanation):
		return "a whole explanation"
	}
	return "a folder without " + FileName
}

// same compares a shard with the first that was named; E743 names what differs.
func (p *Part) same(first *Part) error {
	for k, f := range first.facts() {
		if own := p.facts(); k >= len(own) || own[k] != f {
			found := "nothing"
			if k < len(own) {
				found = own[k].Value
			}
			return &data.Problem{Code: codeOthers, File: p.Dir, What: fmt.Sprintf("this shard is of another whole than %q: %s", first.Dir, f.Name), Expected: f.Value, Found: found,
				Cause: "shards of two runs in one place, or a task with other flags, files or another program", Fix: "name the shards of one run, or make this one again with the flags of the others"}
		}
	}
	return nil
}

// Check compares what is read now with what the shard was made from; E743 names what differs.
func (p *Part) Check(now []Fact) error {
	for k, f := range p.Same {
		if k >= len(now) || now[k] != f {
			found := "nothing"
			if k < len(now) {
				found = now[k].Value
			}
			return &data.Problem{Code: codeOthers, File: p.Dir, What: "what is read now is not what the shard was made from: " + f.Name, Expected: f.Value, Found: found,
				Cause: "files that changed since, another program, or a device of another precision", Fix: "merge with the files, the program and a device as the shards had them, or make the shards again"}
		}
	}
	return nil
}

// facts are all that is compared, in the order in which differences are told.
func (p *Part) facts() []Fact {
	return append([]Fact{{"verb", p.Verb}, {"number of shards", strconv.Itoa(p.N)}}, p.Same...)
}

// shown is how many missing shards an error names.
const shown = 10

// complete is E741 where shares are missing.
func complete(all []*Part) error {
	if len(all) == 0 {
		return nil
	}
	have := map[int]bool{}
	for _, p := range all {
		have[p.I] = true
	}
	var missing []string
	for i := 1; i <= all[0].N; i++ {
		if !have[i] {
			missing = append(missing, strconv.Itoa(i))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	text := strings.Join(missing[:min(len(missing), shown)], ", ")
	if n := len(missing) - shown; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return &data.Problem{Code: codeMissing, File: filepath.Dir(all[0].Dir), What: fmt.Sprintf("shards are missing: %s of %d", text, all[0].N), Expected: fmt.Sprintf("all %d shards", all[0].N), Found: fmt.Sprintf("%d", len(all)),
		Cause: "a task failed or still runs; or not all folders were named", Fix: fmt.Sprintf("look at the output of that task, and run it again: contig-gpu %s --shard %s/%d, with the other flags as before", all[0].Verb, missing[0], all[0].N)}
}

// Read reads a file of the shard whole, FileName or another, and compares its digest; E714 where it is not as it was written.
func (p *Part) Read(name string) (*safetensors.File, error) {
	path := filepath.Join(p.Dir, name)
	f, err := safetensors.Read(path)
	if err == nil && !f.Sealed() {
		err = safetensors.Damaged(path, "a digest", "none")
	}
	if err != nil {
		return nil, damaged(p.Dir, err)
	}
	return f, nil
}

// Damaged is E714 of a file whose content does not fit what the shard says of itself.
func (p *Part) Damaged(name, expected, found string) error {
	return damaged(p.Dir, safetensors.Damaged(filepath.Join(p.Dir, name), expected, found))
}

// damaged says of what is wrong with a file what is to be done of a shard.
func damaged(dir string, err error) error {
	var p *data.Problem
	if errors.As(err, &p) {
		q := *p
		q.Fix = fmt.Sprintf("copy %s again, or make it again by the command of its task with --overwrite", filepath.Base(dir))
		return &q
	}
	return err
}
