package train

import (
	"cmp"
	"fmt"
	"os"
	"reflect"
	"strings"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/checkpoint"
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
	if err := s.within(t.perEpoch); err != nil {
		return err
	}
	if err := t.restore(s); err != nil {
		return err
	}
	t.at, t.resumed = s.state, true
	t.engine.Scaling = s.state.Scaling
	t.engine.Optimizer().SetStepCount(s.state.Step - s.state.Scaling.Skipped)
	return nil
}

// sameRun refuses to go on with other data or settings.
func (t *trainer) sameRun(s *saved) error {
	c := t.o.Cohort
	if s.Cohort != c.Hash {
		return otherData(s, "ids, groups, splits, images' names or sizes, or statistics differ", "cohort "+s.Cohort, "cohort "+c.Hash)
	}
	if s.Content != "" && s.Content != c.Content {
		return otherData(s, "genotypes, values or images differ; ids, splits and statistics do not", "content "+s.Content, "content "+cmp.Or(c.Content, "that was not computed"))
	}
	if d := differences(s.config, t.cfg); len(d) > 0 {
		return &data.Problem{Code: codeConfigDiffers, File: s.File.Path, What: "the settings are not those that the run began with",
			Found: strings.Join(d, "\n"), Cause: "other flags, or another recipe",
			Fix: "resume with the settings of the run's config.toml; only --epochs, --max-steps, --steps and what does not change results may differ"}
	}
	return nil
}

func otherData(s *saved, which, expected, found string) error {
	return &data.Problem{Code: codeCohortDiffers, File: s.File.Path, What: "the data are not those that the run began with: " + which,
		Expected: expected, Found: found, Cause: "files were changed since", Fix: "restore the data, or begin a new run with --init and this checkpoint"}
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
	l := &checkpoint.Loader{File: s.File}
	w := t.engine.Objective().Weights()
	if ema := t.engine.Averages(); ema.Ok() {
		// The averages have no names on the device: they are loaded as parameters, then moved.
		l.Params(w.Params(), checkpoint.PrefixEMA)
		values, _, _ := w.Flat()
		gpu.Copy(ema, values)
	}
	l.Params(w.Params(), "")
	l.Buffers(w.Buffers())
	for _, o := range t.engine.Optimizer().State() {
		l.Fill(checkpoint.PrefixOptimizer+o.Name, o.Value)
	}
	w.Refresh()
	return l.Err()
}
