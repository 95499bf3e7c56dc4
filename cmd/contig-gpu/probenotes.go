package main

import (
	"fmt"
	"strings"

	"contig-gpu/data"
	emb "contig-gpu/data/embedded"
	"contig-gpu/gpu"
	"contig-gpu/model/downstream"
	"contig-gpu/model/measure"
)

// codeProbeRoom is the number of features that take more memory than is free.
const codeProbeRoom = 1015

// What a fit holds at most at a time. Of the training rows: the features, those of the folds of the choice of a penalty, those of one label or trait, and these standardised, and one for what is not yet collected. Of the
// smaller side of the features: the products, their inverse and what computing it takes. Measured with 10,000 rows of 512 features: 85 to 95 % of it where memory is short.
const (
	trainingCopies = 5
	otherCopies    = 2 // neighbours are looked for among unit rows, which are a copy
	sideCopies     = 6
)

// probeRoom is the most bytes that a fit on rows of a width takes, with so many other rows to predict and so many classes, labels or traits.
func probeRoom(training, others, width, names int) int {
	rows := gpu.Plus(gpu.Times(trainingCopies, training), gpu.Times(otherCopies, others))
	side := min(training, width+1)
	values := gpu.Plus(gpu.Times(rows, width+1), gpu.Times(gpu.Plus(sideCopies, names), gpu.Times(side, side)), gpu.Times(gpu.Plus(training, others), gpu.Times(4, names)))
	return gpu.Times(8, values)
}

// fitsProbe is E1015 where a fit takes more bytes than are free, before any is taken; free is 0 where it is not known.
func fitsProbe(free int64, f *features, training, others, names int) error {
	bytes := probeRoom(training, others, f.width, names)
	if free <= 0 || int64(bytes) <= free {
		return nil
	}
	return &data.Problem{Code: codeProbeRoom, File: f.rows.Path, What: "a probe of these features does not fit into memory", Expected: fmt.Sprintf("at most %s free in this machine or its control group", bytesText(int(free))),
		Found: fmt.Sprintf("%s: %d training rows and %d others of %d features in float64, and what a fit computes of them", bytesText(bytes), training, others, f.width), Cause: "many images of a wide encoder on a small machine", Fix: "labels by person in the place of image, a smaller --fractions, or a machine with more memory"}
}

// shownClasses is how many names of classes a note has.
const shownClasses = 10

// remarks notes what metrics do not say by themselves: classes that no row of a split has, and means over the lesser part of the labels.
func (p *probing) remarks() {
	last := p.last()
	if last.undefined != "" || p.task.Kind == downstream.Traits {
		return
	}
	k := len(p.task.Names)
	defined := 0
	if p.task.Kind == downstream.Labels {
		defined = downstream.LabelsDefined(last.test.task, last.test.pred)
	} else {
		p.absent(emb.Train, "it is never predicted", "they are never predicted")
		p.absent(emb.Test, "its AUC is undefined, and means are over the others", "their AUC is undefined, and means are over the others")
		defined = len(measure.Defined(downstream.ClassesAsLabels(last.test.task, last.test.pred).AUC(nil)))
	}
	if 2*defined < k {
		p.note("W1014: the AUC of only %d of %d %s is defined on the test split; macro means are over these.", defined, k, map[bool]string{true: "labels", false: "classes"}[p.task.Kind == downstream.Labels])
	}
}

// absent notes the classes that no row of a split has.
func (p *probing) absent(split, one, several string) {
	seen := map[int]bool{}
	for _, i := range indices(p.split, split) {
		seen[p.task.Class[i]] = true
	}
	var names []string
	for c, n := range p.task.Names {
		if !seen[c] {
			names = append(names, n)
		}
	}
	switch n := len(names); {
	case n == 1:
		p.note("No %s row is of class %s: %s.", split, names[0], one)
	case n > 1:
		more := ""
		if n > shownClasses {
			more = fmt.Sprintf(" and %d more", n-shownClasses)
		}
		p.note("No %s row is of the classes %s%s: %s.", split, strings.Join(names[:min(n, shownClasses)], ", "), more, several)
	}
}
