package train

import (
	"cmp"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"

	"contig-gpu/data"
	"contig-gpu/gpu"
	"contig-gpu/model/checkpoint"
)

// resume restores the trainer from the newest checkpoint that is whole. Where there is none at all the run begins anew: it died
// before its first. Of several ranks rank 0 reads it and gives it to all, however many there were before.
func (t *trainer) resume() error {
	at := standingAt{}
	if t.writes() {
		if err := t.restoreNewest(); err != nil {
			return err
		}
		if t.resumed {
			at = standingAt{t.from, t.at}
		}
	}
	at, err := t.shareRestored(at)
	if err != nil || at.Name == "" {
		return err
	}
	if !t.writes() {
		t.goOn(at.State, at.Name)
	}
	if text := t.changedRanks(at.State.Ranks); text != "" {
		t.event(Event{Kind: Noted, Text: text})
	}
	return nil
}

// restoreNewest restores the newest checkpoint that is whole, if there is any.
func (t *trainer) restoreNewest() error {
	var broken error // of the newest
	all := candidates(t.o.Dir)
	for i, c := range all {
		s, err := readCheckpoint(c.path)
		if err == nil {
			if err := t.sameRun(s); err != nil {
				return err
			}
			if err = s.within(t.perEpoch); err == nil {
				err = t.restore(s)
			}
		}
		if err == nil {
			if name := filepath.Base(c.path); name != lastName {
				t.event(Event{Kind: Noted, Text: fmt.Sprintf("%sgoing on from %s, of step %d", withoutHead(all[i+1:]), name, s.state.Step)})
			}
			t.goOn(s.state, s.File.Path)
			return nil
		}
		if broken == nil {
			broken = err
		}
		t.event(Event{Kind: Noted, Text: fmt.Sprintf("%s is not whole (%s)", filepath.Base(c.path), shortly(err))})
	}
	return broken
}

// withoutHead says which of the checkpoints that were not tried have heads that cannot be read, before a colon.
func withoutHead(rest []candidate) string {
	var names []string
	for _, c := range rest {
		if c.step < 0 {
			names = append(names, filepath.Base(c.path))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return strings.Join(names, ", ") + " cannot be read: "
}

// goOn takes over where the checkpoint at path stands.
func (t *trainer) goOn(s state, path string) {
	t.at, t.resumed, t.from = s, true, path
	t.engine.Scaling = s.Scaling
	t.engine.Optimizer().SetStepCount(s.Step - s.Scaling.Skipped - s.Thawed)
}

// sameRun refuses to go on with other data or settings.
func (t *trainer) sameRun(s *saved) error {
	c := t.o.Cohort
	if s.Cohort != c.Hash {
		return otherData(s, "ids, groups, splits, images' names or sizes, or statistics differ", "cohort "+s.Cohort, "cohort "+c.Hash, c.Sources)
	}
	if s.Content != "" && s.Content != c.Content && !s.state.corrected(c.Sources) {
		return otherData(s, "genotypes, values or images differ; ids, splits and statistics do not", "content "+s.Content, "content "+cmp.Or(c.Content, "that was not computed"), c.Sources)
	}
	if d := differences(s.config, t.cfg); len(d) > 0 {
		return &data.Problem{Code: codeConfigDiffers, File: s.File.Path, What: "the settings are not those that the run began with",
			Found: strings.Join(d, "\n"), Cause: "other flags, or another recipe",
			Fix: "resume with the settings of the run's config.toml; only --epochs, --max-steps, --steps and what does not change results may differ"}
	}
	return nil
}

// otherData is E702. Where the checkpoint tells of its sources, so does the error: which of them differ.
func otherData(s *saved, which, expected, found string, now []data.SourceDigest) error {
	p := &data.Problem{Code: codeCohortDiffers, File: s.File.Path, What: "the data are not those that the run began with: " + which,
		Expected: expected, Found: found, Cause: "files were changed since", Fix: "restore the data, or begin a new run with --init and this checkpoint"}
	if len(s.state.Sources) > 0 && len(now) > 0 {
		p.Expected, p.Found = "what the checkpoint was trained on", differing(s.state.Sources, now)
	}
	return p
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
