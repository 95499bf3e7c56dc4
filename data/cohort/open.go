package cohort

import (
	"fmt"
	"path/filepath"
	"strings"

	"contig-gpu/data"
)

// Options say what to join and how.
type Options struct {
	Manifest  string                 // images.tsv or .csv
	ImageRoot string                 // what image paths are relative to; "" is the manifest's folder
	DataTOML  string                 // names the genetics; "": none, and everybody with an image is in
	Join      string                 // "outer" (default): an image and at least one modality; "inner": all modalities
	Seed      uint64                 // of the split, where data.toml gives none
	Stats     map[string]*data.Stats // of a checkpoint, by modality; nil: fit on the training persons
	Everyone  bool                   // keep those too who have no genetics
	Broken    []data.ManifestRow     // images that a run has found broken
	// Progress is called from time to time as genotypes are read, from one goroutine; nil: nobody looks.
	Progress func(done, total int, things string)
	Memory   int64 // bytes that are free, which the tables must not exceed (E403); 0: not known
}

// Open joins images with genetics, if there are any. Whatever is wrong with the files is a *data.Problem.
func Open(o Options) (*data.Cohort, error) {
	if o.Join != "" && o.Join != "outer" && o.Join != "inner" {
		return nil, &data.Problem{Code: 118, What: "the join is not known", Expected: "outer or inner", Found: fmt.Sprintf("%q", o.Join), Fix: "use outer or inner"}
	}
	j := &join{o: o}
	for _, step := range []func() error{j.read, j.openSources, j.keep, j.split, j.fit} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	j.c.Hash = j.hash()
	return j.c, nil
}

// A join is a cohort being made.
type join struct {
	o       Options
	cfg     *config
	m       *manifest
	in      []bool            // persons of the manifest that the lists keep
	bridge  map[string]string // of [ids] map: an id of the genetics to one of the manifest, "" where it has none
	sources []source
	names   []string
	rows    [][]int32    // per source: the loaded row of each person of the manifest, -1 where absent
	kept    []int        // persons of the manifest
	bytes   []int        // per source
	faults  *data.Faults // of Check
	c       *data.Cohort
}

func (j *join) note(format string, a ...any) {
	j.c.Notes = append(j.c.Notes, fmt.Sprintf(format, a...))
}

func (j *join) read() error {
	j.c = &data.Cohort{}
	cfg, notes, err := j.readConfig()
	if err != nil {
		return err
	}
	m, err := readManifest(j.o.Manifest, j.o.ImageRoot, j.o.Broken, nil)
	if err != nil {
		return err
	}
	in, listNotes, err := cfg.filter(m)
	if err != nil {
		return err
	}
	j.cfg, j.m, j.in = cfg, m, in
	j.c.Notes = append(append(append(j.c.Notes, notes...), m.notes...), listNotes...)
	return nil
}

// readConfig reads data.toml; without one it returns the defaults, and no sources.
func (j *join) readConfig() (*config, []string, error) {
	if j.o.DataTOML == "" {
		c := &config{}
		return c, nil, c.check()
	}
	c, notes, err := readConfig(j.o.DataTOML, j.faults)
	if c != nil {
		c.count = j.o.Progress
	}
	return c, notes, err
}

func (j *join) openSources() error {
	bridge, notes, err := j.cfg.readMap(j.m)
	if err != nil {
		return err
	}
	j.bridge = bridge
	j.c.Notes = append(j.c.Notes, notes...)
	for i := range j.cfg.sources {
		s := &j.cfg.sources[i]
		st := j.o.Stats[s.name]
		if j.o.Stats != nil && st == nil {
			j.note("%s: not in the checkpoint, left out.", s.name)
			continue
		}
		if err := j.openSource(s, st); err != nil {
			return err
		}
	}
	if len(j.sources) == 0 && j.o.DataTOML != "" {
		return &data.Problem{Code: 701, File: j.cfg.path, What: "none of the sections is a modality of the checkpoint", Expected: strings.Join(statNames(j.o.Stats), ", "),
			Found: "other names", Cause: "sections renamed since training", Fix: "name them as in training"}
	}
	return nil
}

func (j *join) openSource(s *section, st *data.Stats) error {
	before := j.faults.Found()
	src, notes, err := j.cfg.openSource(s, st, j.selection())
	if err != nil || src == nil { // nil: taken
		return err
	}
	j.c.Notes = append(j.c.Notes, notes...)
	at, err := j.rowsOf(src)
	if err != nil {
		return err
	}
	var found []near
	if at.found < len(j.m.persons) {
		found = j.nearly(src, at)
	}
	if j.faults.Collects() && (len(j.m.persons) == 0 || len(at.taken) == 0) {
		return nil // nobody was read on one side: there is nothing to compare
	}
	if at.found == 0 {
		return j.noOverlap(s.name, src, found)
	}
	j.noteNearly(s.name, found)
	j.unmapped(s.name, at)
	if j.faults.Found() > before {
		src = unread{src}
	}
	return j.loadSource(s.name, src, at)
}

// loadSource loads the rows of those persons whom the lists keep.
func (j *join) loadSource(name string, src source, at *joinedRows) error {
	var load []int
	rows := make([]int32, len(j.m.persons))
	all := 0
	for i, r := range at.row {
		rows[i] = -1
		if !j.in[i] {
			continue
		}
		all++
		if r >= 0 {
			rows[i] = int32(len(load))
			load = append(load, r)
		}
	}
	if err := j.makeRoom(src, len(load)); err != nil {
		return err
	}
	if err := src.load(load); err != nil {
		return err
	}
	j.dropBlank(name, src, rows)
	j.note("%s: %d of %d persons have data.", name, len(load), all)
	if 2*len(load) < all {
		j.note("W111: %s: fewer than half of the persons have data; are the ids right?", name)
	}
	j.sources, j.names, j.rows = append(j.sources, src), append(j.names, name), append(j.rows, rows)
	return nil
}

// dropBlank makes persons absent whose every value is missing.
func (j *join) dropBlank(name string, src source, rows []int32) {
	blank := 0
	for i, k := range rows {
		if k >= 0 && !src.present(int(k)) {
			rows[i] = -1
			blank++
		}
	}
	if blank > 0 {
		j.note("%s: %d persons have missing values only and count as without.", name, blank)
	}
}

// keep makes the cohort's persons and images, in the order of the manifest.
func (j *join) keep() error {
	without := 0
	for i := range j.m.persons {
		n := 0
		for _, rows := range j.rows {
			if rows[i] >= 0 {
				n++
			}
		}
		if j.in[i] && (n > 0 || j.o.DataTOML == "" || j.o.Everyone) && (j.o.Join != "inner" || n == len(j.rows)) {
			j.kept = append(j.kept, i)
			if n == 0 {
				without++
			}
		}
	}
	what := "at least one modality"
	if j.o.DataTOML == "" || j.o.Everyone {
		what = "no genetics"
	} else if j.o.Join == "inner" {
		what = "all modalities"
	}
	if len(j.kept) == 0 {
		return &data.Problem{Code: 118, File: j.m.path, What: "no person has an image and " + what, Expected: "at least one", Found: fmt.Sprintf("%d persons with images", len(j.m.persons)),
			Cause: "sources of different persons, or lists that leave none of them", Fix: "use the outer join, or check [ids]"}
	}
	var at []int // of each image among the manifest's
	for p, i := range j.kept {
		var images []int
		for _, k := range j.m.persons[i].images {
			im := j.m.images[k]
			im.Person, im.Size = p, j.m.sizes[k]
			at = append(at, k)
			images = append(images, len(j.c.Images))
			j.c.Images = append(j.c.Images, im)
		}
		j.c.Persons = append(j.c.Persons, data.Person{ID: j.m.persons[i].id, Images: images})
	}
	j.flowOfPersons(what)
	j.c.Row = func(image int) data.ManifestRow { return j.m.row(at[image]) }
	if j.o.Everyone {
		switch {
		case without == len(j.kept):
			j.note("%d persons with %d images are kept: image features only, nobody has genetics.", len(j.kept), len(j.c.Images))
		case without > 0:
			j.note("%d persons with %d images are kept, of whom %d have no genetics: image features only.", len(j.kept), len(j.c.Images), without)
		default:
			j.note("%d persons with %d images are kept, all with genetics.", len(j.kept), len(j.c.Images))
		}
		return nil
	}
	j.note("%d persons with %d images are kept: an image and %s.", len(j.kept), len(j.c.Images), what)
	return nil
}

func (j *join) split() error {
	s := &splitter{m: j.m, persons: j.kept}
	of, err := s.assign(j.cfg, j.o.Seed)
	if err != nil && (j.o.Stats == nil || of == nil) { // a checkpoint needs no training persons
		return err
	}
	var n [splits]int
	for p := range j.c.Persons {
		j.c.Persons[p].Split, j.c.Persons[p].Group = of[p], s.group[p]
		n[of[p]]++
	}
	if j.o.Everyone {
		return nil // nothing is trained, and a run's own splits are not to be guessed from a manifest
	}
	if !j.m.hasBy {
		j.note("W604: the manifest has no column group, so relatives may fall into different splits.")
	}
	j.c.Rule = s.rule()
	j.note("%d persons train, %d validation, %d test (%s).", n[data.Train], n[data.Validation], n[data.Test], s.source(j.cfg))
	return nil
}

// fit makes the tables, with statistics of the training persons or of a checkpoint.
func (j *join) fit() error {
	for i := range j.sources {
		if err := j.fitOne(i); err != nil {
			return err
		}
	}
	return nil
}

// fitOne makes the table of a source.
func (j *join) fitOne(i int) error {
	src := j.sources[i]
	rows := make([]int32, len(j.kept))
	var train, all []int
	for p, k := range j.kept {
		rows[p] = j.rows[i][k]
		if rows[p] < 0 {
			continue
		}
		all = append(all, int(rows[p]))
		if j.c.Persons[p].Split == data.Train {
			train = append(train, int(rows[p]))
		}
	}
	st, err := j.stats(i, train)
	if err != nil {
		return err
	}
	from, err := src.table(st)
	if err != nil {
		return err
	}
	if j.o.Stats != nil {
		for _, n := range src.drift(st, all) {
			j.note("%s: %s", j.names[i], n)
		}
	}
	j.c.Tables = append(j.c.Tables, &modality{name: j.names[i], stats: st, rows: rows, from: from, bytes: j.bytes[i]})
	return nil
}

// trainLeast is the fewest training persons a contrast needs.
const trainLeast = 2

func (j *join) stats(i int, train []int) (*data.Stats, error) {
	if j.o.Stats != nil {
		return j.o.Stats[j.names[i]], nil
	}
	if len(train) < trainLeast {
		return nil, &data.Problem{Code: 603, File: j.sources[i].file(), What: fmt.Sprintf("fewer than %d training persons have [%s]", trainLeast, j.names[i]), Expected: fmt.Sprintf("at least %d", trainLeast),
			Found: fmt.Sprint(len(train)), Cause: "a small overlap with the images, or a split column that puts them elsewhere", Fix: "check the ids and the split in " + filepath.Base(j.m.path)}
	}
	before := j.sources[i].features()
	st, notes, err := j.sources[i].fit(train)
	for _, n := range notes {
		j.note("%s: %s", j.names[i], n)
	}
	if err == nil {
		j.flowOfFeatures(j.names[i], before, st.Width(), notes)
	}
	return st, err
}
