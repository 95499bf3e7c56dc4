package loader

import (
	"fmt"
	"iter"
	"slices"

	"contig-gpu/data"
	"contig-gpu/data/fundus"
)

// codeTooManyBad is of images that cannot be decoded and cannot be done without.
const codeTooManyBad = 510

// An image that is left out is replaced at its place where batches are full, and dropped from its batch elsewhere. What takes
// its place is the first image from a position on, drawn by seed, epoch and image, that can be decoded and goes with the batch.
// That depends on the files alone: not on when or by whom an image was found bad, nor on where a run was resumed.

// leftOut is the error of a row whose image is left out.
type leftOut struct{ row int }

func (leftOut) Error() string { return "loader: an image is left out" }

// usable decodes image i, or says that it is left out.
func (w *worker) usable(i int) (m *fundus.RGB, out bool, err error) {
	if w.bad.leftOut(i) {
		return nil, true, nil
	}
	m, err = w.image(i)
	return m, w.bad.note(i, err), err
}

// replacement returns an image that takes the place of rows[n], which is left out.
func (w *worker) replacement(rows []int, n int, quit <-chan struct{}) (int, *fundus.RGB, error) {
	for i := range w.candidates(rows, n) {
		select {
		case <-quit:
			return 0, nil, errClosed
		default:
		}
		m, out, err := w.usable(i)
		if out {
			continue
		}
		return i, m, err
	}
	return 0, nil, w.noReplacement(rows)
}

// candidates yields the images that go with the batch in place of rows[n], in order.
func (w *worker) candidates(rows []int, n int) iter.Seq[int] {
	from := fundus.NewRand(w.seed, fundus.StreamReplace, uint32(w.epoch), uint32(rows[n])).Intn(len(w.of))
	return func(yield func(int) bool) {
		for k := range w.of {
			if i := w.of[(from+k)%len(w.of)]; !w.conflicts(rows, n, i) && !yield(i) {
				return
			}
		}
	}
}

func (w *worker) noReplacement(rows []int) error {
	return &data.Problem{Code: codeTooManyBad, What: "no image can take the place of one that cannot be decoded",
		Expected: "images of other persons than those of the batch", Found: fmt.Sprintf("%d images in the training split, in batches of %d", len(w.of), len(rows)),
		Cause: "a batch of nearly all persons", Fix: "mend the images, or a smaller --batch"}
}

// conflicts reports whether image i cannot be in a batch with the rows but row n.
func (w *worker) conflicts(rows []int, n, i int) bool {
	if slices.Contains(rows, i) {
		return true
	}
	if !w.oneOfGroup {
		return false
	}
	group := func(i int) int { return w.cohort.Persons[w.cohort.Images[i].Person].Group }
	for k, other := range rows {
		if k != n && group(other) == group(i) {
			return true
		}
	}
	return false
}
