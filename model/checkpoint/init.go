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
// read. Of more than one encoder that is E715. Names, shapes and types are compared before any of it is read.
func Init(path string, w *nn.Weights) (Taken, error) {
	l := &Loader{}
	var from []filling
	defer w.Refresh()
	_, err := safetensors.ReadWhere(path, func(f *safetensors.File) (func(safetensors.Tensor) bool, error) {
		l.File = f
		var err error
		if from, err = l.plan(w); err != nil {
			return nil, err
		}
		wanted := map[string]bool{}
		for _, x := range from {
			l.fits(x.name, x.to.Dims())
			wanted[x.name] = true
		}
		return func(t safetensors.Tensor) bool { return wanted[t.Name] }, l.Err()
	})
	if err != nil {
		return Taken{}, err
	}
	for _, x := range from {
		l.Fill(x.name, x.to)
	}
	return Taken{From: len(from), InFile: len(l.File.Tensors), Of: len(w.Params()) + len(w.Buffers())}, l.Err()
}

// Taken counts tensors: those that a file gave, those that it has, and those of the network.
type Taken struct{ From, InFile, Of int }

// A filling is a tensor of a file and where it goes.
type filling struct {
	name string
	to   gpu.Tensor
}

// plan says which tensors of the file fill which of w.
func (l *Loader) plan(w *nn.Weights) ([]filling, error) {
	if format := l.File.Metadata[keyFormat]; format == formatName || format == formatUnsealed {
		if _, err := open(l.File); err != nil {
			return nil, err
		}
	}
	ours := func(t safetensors.Tensor) bool { return strings.HasPrefix(t.Name, model.TrunkPrefix) }
	if !slices.ContainsFunc(l.File.Tensors, ours) {
		return l.foreign(w)
	}
	var from []filling
	for _, p := range w.Params() {
		if name := l.average(p.Name); strings.HasPrefix(p.Name, model.TrunkPrefix) || l.has(name) {
			from = append(from, filling{name, p.Value})
		}
	}
	for _, b := range w.Buffers() {
		if strings.HasPrefix(b.Name, model.TrunkPrefix) || l.has(b.Name) {
			from = append(from, filling{b.Name, b.Value})
		}
	}
	return from, nil
}

// foreign is plan for a file of another program: the image encoder.
func (l *Loader) foreign(w *nn.Weights) ([]filling, error) {
	var from []filling
	var names []string
	take := func(name string, v gpu.Tensor) {
		if name, ok := strings.CutPrefix(name, model.TrunkPrefix); ok {
			from, names = append(from, filling{name, v}), append(names, name)
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
		return nil, severalEncoders(l.File.Path, whole)
	}
	for i, x := range from {
		from[i].name = l.average(best + x.name)
	}
	return from, nil
}

// prefixes returns what may stand before all of these names in the file, "" alone if they are there as they are; and what stands before the most of them.
func (l *Loader) prefixes(names []string) (whole []string, best string) {
	want, longest := make(map[string]bool, len(names)), 0
	for _, name := range names {
		want[name], longest = true, max(longest, len(name))
	}
	found := map[string]int{} // names behind each prefix
	for _, t := range l.File.Tensors {
		if strings.HasPrefix(t.Name, PrefixEMA) {
			continue
		}
		for at := 0; ; {
			if len(t.Name)-at <= longest && want[t.Name[at:]] {
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
