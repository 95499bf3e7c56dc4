package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"contig-gpu/data"
	"contig-gpu/data/table"
)

// referenceStream keeps the draw of the reference apart from others of the same seed.
const referenceStream = 0x7265666572 // "refer"

// choose finds the modalities, the reference and the persons, and says what it found.
func (e *explanation) choose() error {
	if err := e.chooseModalities(); err != nil {
		return err
	}
	if err := e.chooseReference(); err != nil {
		return err
	}
	return e.choosePersons()
}

// chooseModalities fills parts: those asked for, or all that somebody of the cohort has.
func (e *explanation) chooseModalities() error {
	var names []string
	for _, t := range e.cohort.Tables {
		names = append(names, t.Name())
	}
	asked := names
	if e.set.Modalities != "" {
		asked = strings.Split(e.set.Modalities, ",")
	}
	for _, name := range asked {
		i := slices.Index(names, strings.TrimSpace(name))
		if i < 0 {
			return usagef("explain: --modalities: the checkpoint has %s, found %q%s", strings.Join(names, ", "), name, didYouMean(name, "", names))
		}
		if e.set.Modalities == "" && !e.someone(i) {
			e.note("%s: nobody has it, left out.", names[i])
			continue
		}
		if slices.ContainsFunc(e.parts, func(p *part) bool { return p.at == i }) {
			return usagef("explain: --modalities: %q is there twice", name)
		}
		e.parts = append(e.parts, &part{at: i, table: e.cohort.Tables[i], name: names[i]})
	}
	return nil
}

func (e *explanation) someone(modality int) bool {
	for p := range e.cohort.Persons {
		if e.cohort.Tables[modality].Has(p) {
			return true
		}
	}
	return false
}

// chooseReference draws the reference from the training persons who have every modality explained, or reads it.
func (e *explanation) chooseReference() error {
	n, err := strconv.Atoi(e.set.Reference)
	if err != nil {
		if e.reference, err = e.listed(e.set.Reference, "--reference"); err != nil {
			return err
		}
		e.say("reference: %d persons of a list", len(e.reference))
		return e.checkReference()
	}
	if n < 2 {
		return usagef("explain: --reference: want a file, or a whole number of at least 2, found %d", n)
	}
	var all []int
	for p, x := range e.cohort.Persons {
		if x.Split == data.Train && e.hasAll(p) {
			all = append(all, p)
		}
	}
	r := rand.New(rand.NewPCG(e.set.Seed, referenceStream))
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	e.reference = slices.Sorted(slices.Values(all[:min(n, len(all))]))
	few := ""
	if len(all) < n {
		few = fmt.Sprintf(", fewer than the %d asked for: all there are", n)
	}
	e.say("reference: %d training persons who have every modality%s", len(e.reference), few)
	return e.checkReference()
}

func (e *explanation) hasAll(person int) bool {
	for _, p := range e.parts {
		if !p.table.Has(person) {
			return false
		}
	}
	return true
}

// checkReference wants at least two persons with each modality.
func (e *explanation) checkReference() error {
	for _, p := range e.parts {
		if p.reference = p.having(e.reference); len(p.reference) < 2 {
			return &data.Problem{Code: codeReference, What: fmt.Sprintf("the reference lacks the modality %q", p.name), Expected: "at least 2 persons who have it",
				Found: fmt.Sprintf("%d of %d", len(p.reference), len(e.reference)), Cause: "a list of others, or no training person has every modality", Fix: "give a --reference list of persons who have it, or leave it out with --modalities"}
		}
	}
	return nil
}

// having returns those of persons who have the modality.
func (p *part) having(persons []int) []int {
	var out []int
	for _, i := range persons {
		if p.table.Has(i) {
			out = append(out, i)
		}
	}
	return out
}

// choosePersons finds who is explained. A person of the reference is not: compared with itself it would match too well.
func (e *explanation) choosePersons() error {
	asked, err := e.askedFor()
	if err != nil {
		return err
	}
	inside := 0
	for _, p := range asked {
		if _, found := slices.BinarySearch(e.reference, p); found {
			inside++
			continue
		}
		e.persons = append(e.persons, p)
	}
	if inside > 0 {
		e.note("%d persons are in the reference and are not explained: compared with themselves they would match too well.", inside)
	}
	for _, p := range e.parts {
		if p.persons = p.having(e.persons); len(p.persons) == 0 {
			return &data.Problem{Code: codeNobody, What: fmt.Sprintf("nobody of the persons to explain has the modality %q", p.name), Expected: "at least 1",
				Found: fmt.Sprintf("none of %d persons (%s)", len(e.persons), e.set.Persons), Cause: "few persons have it, or a list of others", Fix: "choose other --persons, or leave it out with --modalities"}
		}
	}
	var each []string
	for _, p := range e.parts {
		each = append(each, fmt.Sprintf("%s %d", p.name, len(p.persons)))
	}
	e.say("persons: %d (%s); with %s", len(e.persons), e.whose(), strings.Join(each, ", "))
	return nil
}

// whose says which persons are explained, without the name of a file.
func (e *explanation) whose() string {
	if slices.Contains(splitWords(), e.set.Persons) {
		return e.set.Persons
	}
	return "of a list"
}

// askedFor returns the persons of --persons, in the order of the cohort.
func (e *explanation) askedFor() ([]int, error) {
	if !slices.Contains(splitWords(), e.set.Persons) {
		return e.listed(e.set.Persons, "--persons")
	}
	var out []int
	for p, x := range e.cohort.Persons {
		if e.set.Persons == "all" || x.Split.String() == e.set.Persons {
			out = append(out, p)
		}
	}
	return out, nil
}

// listed reads a file whose lines begin with the id of a person, and returns them in the order of the cohort. Who is not in the
// cohort is E901.
func (e *explanation) listed(path, flag string) ([]int, error) {
	rows, err := e.keyed(path, flag, 1)
	if err != nil {
		return nil, err
	}
	var out []int
	for p := range rows {
		out = append(out, p)
	}
	slices.Sort(out)
	return out, nil
}

// keyed reads lines of at least so many fields, the first of which is the id of a person; it returns them by person.
func (e *explanation) keyed(path, flag string, fields int) (map[int][]string, error) {
	l, err := table.Open(path)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	at := make(map[string]int, len(e.cohort.Persons))
	for i, p := range e.cohort.Persons {
		at[p.ID] = i
	}
	rows, lines, strangers, first, firstLine := map[int][]string{}, 0, 0, "", 0
	var split table.Splitter
	for l.Next() {
		if lines++; lines == 1 {
			split = table.SplitterFor(path, l.Text())
		}
		f := split.Split(l.Text(), nil)
		if len(f) < fields || f[0] == "" {
			return nil, table.Ragged(path, l.Line(), fields, len(f), split)
		}
		p, known := at[f[0]]
		switch {
		case known:
			rows[p] = f
		case lines == 1 && slices.Contains([]string{"person_id", "id", "iid", "eid", "#iid"}, strings.ToLower(f[0])): // a header
		default:
			if strangers++; strangers == 1 {
				first, firstLine = f[0], l.Line()
			}
		}
	}
	if err := l.Err(); err != nil {
		return nil, err
	}
	if strangers > 0 || len(rows) == 0 {
		return nil, &data.Problem{Code: codeStrangers, File: path, Line: firstLine, What: fmt.Sprintf("%s names %d persons who are not in the cohort", flag, strangers),
			Expected: fmt.Sprintf("ids of the %d persons with an image", len(e.cohort.Persons)), Found: fmt.Sprintf("%q first, and %d who are", first, len(rows)),
			Cause: "ids of another application, or persons without an image or genetics", Fix: "list ids as the manifest writes them"}
	}
	return rows, nil
}
