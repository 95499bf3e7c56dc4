package main

import (
	"fmt"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/cohort"
)

// targetIn returns the [target.NAME] of a data.toml. One that it has not is E1011.
func targetIn(dataTOML, name string) (cohort.Target, error) {
	all, err := cohort.Targets(dataTOML)
	if err != nil {
		return cohort.Target{}, err
	}
	var names []string
	for _, t := range all {
		if t.Name == name {
			return t, nil
		}
		names = append(names, t.Name)
	}
	p := &data.Problem{Code: 1011, File: dataTOML, What: fmt.Sprintf("there is no section [target.%s]", name), Expected: "[target.NAME] with labels and column", Found: "targets: " + strings.Join(names, ", "),
		Cause: "a misspelling, or a column of a file of labels that --labels does not name", Fix: "correct --target, or give --labels"}
	if near := data.Nearest(name, names); near != "" {
		p.Cause = "is " + near + " meant?"
	}
	if len(names) == 0 {
		p.Found = "no targets"
	}
	return cohort.Target{}, p
}

// named fills what a [target.NAME] says, where --target is a name and no file of labels is given. Flags win over the section.
func (s *probeSettings) named(taskGiven, splitGiven bool) error {
	switch {
	case len(s.target) == 0:
		return usagef("%s: --target is required; see contig-gpu %s --help", s.verb, s.verb)
	case s.labels != "":
		return nil
	case s.cohort.Data == "":
		return usagef("%s: --labels is required, or --data with a section [target.%s]; see contig-gpu %s --help", s.verb, s.target[0], s.verb)
	case len(s.target) > 1:
		return usagef("%s: without --labels --target is one [target.NAME] of --data, found %d", s.verb, len(s.target))
	}
	t, err := targetIn(s.cohort.Data, s.target[0])
	if err != nil {
		return err
	}
	s.apply(t, taskGiven, splitGiven)
	return nil
}

// apply takes over what a target says.
func (s *probeSettings) apply(t cohort.Target, taskGiven, splitGiven bool) {
	s.name, s.labels, s.target = t.Name, t.Labels, t.Columns
	if t.Task != "" && !taskGiven {
		s.task = t.Task
	}
	if t.Split != "" && !splitGiven {
		s.split = t.Split
	}
}

// targetName is how a target is called: its name in data.toml, or its columns.
func (s *probeSettings) targetName() string {
	if s.name != "" {
		return s.name
	}
	return strings.Join(s.target, ",")
}
