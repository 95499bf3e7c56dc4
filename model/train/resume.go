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
			Fix: "resume with the settings of the run's config.toml; only epochs, max_steps and what does not change results may differ"}
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
	if was.Precision != "f64" && is.Precision != "f64" {
		was.Precision = is.Precision // parameters are float32 whatever products are rounded to
	}
	return diffStruct("", reflect.ValueOf(was), reflect.ValueOf(is))
}

func diffStruct(prefix string, was, is reflect.Value) []string {
	var out []string
	for i := range was.NumField() {
		f := was.Type().Field(i)
		name := f.Tag.Get("json")
		switch {
		case name == "-":
		case f.Type.Kind() == reflect.Struct:
			out = append(out, diffStruct(prefix+name+".", was.Field(i), is.Field(i))...)
		case !reflect.DeepEqual(was.Field(i).Interface(), is.Field(i).Interface()):
			out = append(out, fmt.Sprintf("%s%s was %v, is %v", prefix, name, was.Field(i), is.Field(i)))
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
