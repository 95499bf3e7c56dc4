package train

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/train/safetensors"
)

// resume restores the trainer from checkpoints/last, if there is one: see startedOnly.
func (t *trainer) resume() error {
	path := CheckpointPath(t.o.Dir, "last")
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return nil
	}
	s, err := readCheckpoint(path)
	if err != nil {
		return err
	}
	if err := t.sameRun(s); err != nil {
		return err
	}
	if err := t.restore(s); err != nil {
		return err
	}
	t.at, t.resumed = s.state, true
	t.opt.SetStepCount(s.state.Step - s.state.Scaling.Skipped)
	return nil
}

// sameRun refuses to go on with other data or settings.
func (t *trainer) sameRun(s *saved) error {
	if s.cohort != t.o.Cohort.Hash {
		return &data.Problem{Code: codeCohortDiffers, File: s.file.Path, What: "the data are not those that the run began with",
			Expected: "cohort " + s.cohort, Found: "cohort " + t.o.Cohort.Hash,
			Cause: "images, genetics, ids or splits were changed since", Fix: "restore the data, or begin a new run with --init and this checkpoint"}
	}
	if d := differences(s.config, t.cfg); len(d) > 0 {
		return &data.Problem{Code: codeConfigDiffers, File: s.file.Path, What: "the settings are not those that the run began with",
			Found: strings.Join(d, "\n"), Cause: "other flags, or another recipe",
			Fix: "resume with the settings of the run's config.toml; only --epochs, --max-steps, --steps and what does not change results may differ"}
	}
	return nil
}

// differences lists the settings that changed and must not: all that are kept in checkpoints but the length of
// the run, and the precision of products, so that a run may go on on another device.
func differences(was, is Config) []string {
	was.Epochs, was.MaxSteps = is.Epochs, is.MaxSteps
	if f64 := gpu.F64.String(); was.Precision != f64 && is.Precision != f64 {
		was.Precision = is.Precision // parameters are float32 whatever products are rounded to
	}
	changes, now := map[any]string{}, is.Settings() // by field of was
	for i, r := range was.Settings() {
		changes[r.To()] = fmt.Sprintf("--%s was %s, is %s", r.Name, r.Text(), now[i].Text())
	}
	return diffStruct(changes, "", reflect.ValueOf(&was).Elem(), reflect.ValueOf(is))
}

// diffStruct lists the fields that differ: as changes tells it, or by their names in JSON where they are no setting.
func diffStruct(changes map[any]string, prefix string, was, is reflect.Value) []string {
	var out []string
	for i := range was.NumField() {
		f, a, b := was.Type().Field(i), was.Field(i), is.Field(i)
		name := prefix + f.Tag.Get("json")
		change, known := changes[a.Addr().Interface()]
		switch {
		case f.Tag.Get("json") == "-":
		case f.Type.Kind() == reflect.Struct:
			out = append(out, diffStruct(changes, name+".", a, b)...)
		case !reflect.DeepEqual(a.Interface(), b.Interface()):
			if !known {
				change = fmt.Sprintf("%s was %v, is %v", name, a, b)
			}
			out = append(out, change)
		}
	}
	return out
}

// restore fills all tensors from a checkpoint.
func (t *trainer) restore(s *saved) error {
	l := &loader{file: s.file}
	if t.ema.Ok() {
		// The averages have no names on the device: they are loaded as parameters, then moved.
		l.params(t.model.Params(), prefixEMA)
		gpu.Copy(t.ema, t.values)
	}
	l.params(t.model.Params(), "")
	l.buffers(t.model.Buffers())
	for _, o := range t.opt.State() {
		l.fill(prefixOptimizer+o.Name, o.Value)
	}
	t.model.Refresh()
	return l.err()
}

// initFrom fills the model from a file: from a checkpoint of ours all that the model has, from any other its image
// encoder as torchvision names it.
func (t *trainer) initFrom(path string) error {
	f, err := safetensors.Read(path)
	if err != nil {
		return err
	}
	l := &loader{file: f}
	prefix := ""
	if slices.ContainsFunc(f.Tensors, hasPrefix(prefixEMA)) {
		prefix = prefixEMA
	}
	if !slices.ContainsFunc(f.Tensors, hasPrefix(prefixTrunk)) {
		t.fillTrunk(l)
		return l.err()
	}
	for _, p := range t.model.Params() {
		if strings.HasPrefix(p.Name, prefixTrunk) || has(f, prefix+p.Name) {
			l.fill(prefix+p.Name, p.Value)
		}
	}
	for _, b := range t.model.Buffers() {
		if strings.HasPrefix(b.Name, prefixTrunk) || has(f, b.Name) {
			l.fill(b.Name, b.Value)
		}
	}
	return l.err()
}

// fillTrunk reads the image encoder by torchvision's names. What the file has beyond (fc, counts) is left.
func (t *trainer) fillTrunk(l *loader) {
	for _, p := range t.model.Params() {
		if name, ok := strings.CutPrefix(p.Name, prefixTrunk); ok {
			l.fill(name, p.Value)
		}
	}
	for _, b := range t.model.Buffers() {
		if name, ok := strings.CutPrefix(b.Name, prefixTrunk); ok {
			l.fill(name, b.Value)
		}
	}
}
