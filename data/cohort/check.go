package cohort

import (
	"errors"

	"contig-gpu/data"
)

// Check opens a cohort as Open does, but goes on after what is wrong with the files: f takes every fault of the manifest, of data.toml, of the
// lists and of every source in one reading. It returns the images to decode: those of the cohort or, where there are faults, all that are
// there of the persons whom the lists keep. The cohort is whole only where f has found nothing. An error is none of the files'.
func Check(o Options, f *data.Faults) (*data.Cohort, []data.Image, error) {
	j := &join{o: o, c: &data.Cohort{}, faults: f}
	if err := j.readAll(); err != nil {
		return nil, nil, err
	}
	if err := j.openAll(); err != nil {
		return nil, nil, err
	}
	if len(j.m.persons) > 0 {
		if err := j.judgeAll(); err != nil {
			return nil, nil, err
		}
	}
	if f.Found() > 0 {
		return j.c, j.images(), nil
	}
	j.c.Hash = j.hash()
	return j.c, j.c.Images, nil
}

// readAll is read, but that a file of no use is as if it were not there.
func (j *join) readAll() error {
	cfg, notes, err := j.readConfig()
	if err := j.faults.Take(err); err != nil {
		return err
	}
	if cfg == nil {
		cfg = &config{faults: j.faults}
		if err := cfg.check(); err != nil {
			return err
		}
	}
	m, err := readManifest(j.o.Manifest, j.o.ImageRoot, j.o.Broken, j.faults)
	if err := j.faults.Take(err); err != nil {
		return err
	}
	if m == nil {
		m = &manifest{path: j.o.Manifest, index: map[string]int{}, faults: j.faults}
	}
	j.cfg, j.m = cfg, m
	j.c.Notes = append(append(j.c.Notes, notes...), m.notes...)
	if len(m.persons) == 0 {
		return nil
	}
	in, listNotes, err := cfg.filter(m)
	j.in, j.c.Notes = in, append(j.c.Notes, listNotes...)
	return err
}

// openAll is openSources, but that a source of no use is left out.
func (j *join) openAll() error {
	bridge, notes, err := j.cfg.readMap(j.m)
	if err := j.faults.Take(err); err != nil {
		return err
	}
	j.bridge, j.c.Notes = bridge, append(j.c.Notes, notes...)
	for i := range j.cfg.sources {
		if err := j.faults.Take(j.openSource(&j.cfg.sources[i], nil)); err != nil {
			return err
		}
	}
	return nil
}

// judgeAll looks at what has been read as a whole: who is in, the split, and the statistics.
func (j *join) judgeAll() error {
	if len(j.sources) == 0 && j.faults.Found() > 0 { // nothing is known of who has genetics
		j.o.DataTOML, j.o.Join = "", ""
	}
	if err := j.take(j.keep()); err != nil {
		return err
	}
	if len(j.kept) == 0 { // taken: everybody's group and split can be judged all the same
		j.o.DataTOML, j.o.Join = "", ""
		if err := j.take(j.keep()); err != nil {
			return err
		}
	}
	if err := j.take(j.split()); err != nil || len(j.c.Persons) == 0 {
		return err
	}
	for i := range j.sources {
		if err := j.take(j.fitOne(i)); err != nil {
			return err
		}
	}
	return nil
}

// take hands on a fault that may follow from others, and then says so.
func (j *join) take(err error) error {
	var p *data.Problem
	if j.faults.Found() > 0 && errors.As(err, &p) {
		also := *p
		also.Cause = "perhaps what was found before; else " + p.Cause
		err = &also
	}
	return j.faults.Take(err)
}

// images are all that are there, of the persons whom the lists keep.
func (j *join) images() []data.Image {
	var out []data.Image
	for i, im := range j.m.images {
		if j.m.sizes[i] != absent && j.in[im.Person] {
			out = append(out, im)
		}
	}
	return out
}

// unread is a source with faults: it says who has it, and its values are not looked at.
type unread struct{ source }

func (u unread) bytes(int) int    { return 0 }
func (u unread) load([]int) error { return nil }
func (u unread) present(int) bool { return true }

func (u unread) fit([]int) (*data.Stats, []string, error) { return &data.Stats{}, nil, nil }

func (u unread) table(*data.Stats) (rowDecoder, error) { return nil, nil }
