package checkpoint

import (
	"slices"
	"strings"

	"contig-gpu/gpu"
	"contig-gpu/model"
	"contig-gpu/model/checkpoint/safetensors"
	"contig-gpu/model/nn"
)

// Init fills weights from a file to begin a training with: from a checkpoint of ours, of whatever objective, all of the
// image encoder and what else it has by the same names; from any other file the image encoder as torchvision names it, whatever the program that wrote it
// put before the names (module., encoder., backbone. and the like), as long as it is there once. Elements may be of 16 bits. Other tensors are not
// read. Of more than one encoder that is E715.
func Init(path string, w *nn.Weights) error {
	f, err := safetensors.Read(path)
	if err != nil {
		return err
	}
	l := &Loader{File: f}
	defer w.Refresh()
	ours := func(t safetensors.Tensor) bool { return strings.HasPrefix(t.Name, model.TrunkPrefix) }
	if !slices.ContainsFunc(f.Tensors, ours) {
		return l.foreign(w)
	}
	for _, p := range w.Params() {
		if name := l.average(p.Name); strings.HasPrefix(p.Name, model.TrunkPrefix) || l.has(name) {
			l.Fill(name, p.Value)
		}
	}
	for _, b := range w.Buffers() {
		if strings.HasPrefix(b.Name, model.TrunkPrefix) || l.has(b.Name) {
			l.Fill(b.Name, b.Value)
		}
	}
	return l.Err()
}

// foreign fills the image encoder from a file of another program.
func (l *Loader) foreign(w *nn.Weights) error {
	var names []string
	var values []gpu.Tensor
	take := func(name string, v gpu.Tensor) {
		if name, ok := strings.CutPrefix(name, model.TrunkPrefix); ok {
			names, values = append(names, name), append(values, v)
		}
	}
	for _, p := range w.Params() {
		take(p.Name, p.Value)
	}
	for _, b := range w.Buffers() {
		take(b.Name, b.Value)
	}
	whole, best := l.prefixes(names)
	if len(whole) > 1 {
		return severalEncoders(l.File.Path, whole)
	}
	for i, name := range names {
		l.Fill(l.average(best+name), values[i])
	}
	return l.Err()
}

// prefixes returns what may stand before all of these names in the file, "" alone if they are there as they are; and what stands before the most of them.
func (l *Loader) prefixes(names []string) (whole []string, best string) {
	want := make(map[string]bool, len(names))
	for _, name := range names {
		want[name] = true
	}
	found := map[string]int{} // names behind each prefix
	for _, t := range l.File.Tensors {
		if strings.HasPrefix(t.Name, PrefixEMA) {
			continue
		}
		for at := 0; ; {
			if want[t.Name[at:]] {
				found[t.Name[:at]]++
			}
			dot := strings.IndexByte(t.Name[at:], '.')
			if at += dot + 1; dot < 0 {
				break
			}
		}
	}
	for prefix, n := range found {
		if n == len(names) {
			whole = append(whole, prefix)
		}
		if n > found[best] || n == found[best] && prefix < best {
			best = prefix
		}
	}
	slices.Sort(whole)
	if slices.Contains(whole, "") {
		return []string{""}, ""
	}
	return whole, best
}
