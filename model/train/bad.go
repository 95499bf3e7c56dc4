package train

import (
	"context"
	"errors"
	"fmt"
	"math"

	"contig-gpu/data"
)

// scan lets the scan of images follow the first epoch, and waits for it at the epoch's end, so that held-out images that are
// broken are known before any is evaluated.
func (t *trainer) scan(ctx context.Context) {
	if t.o.Scan == nil || t.at.Epoch > 0 {
		return
	}
	if t.at.EpochStep == t.perEpoch {
		t.o.Scan.Finish(ctx)
		return
	}
	t.o.Scan.Allow(float64(t.at.EpochStep) / float64(t.perEpoch))
}

// tellBad tells of images that were found broken since the last call. Whoever hears of it keeps them, before a checkpoint is
// written that was made without them.
func (t *trainer) tellBad() []int {
	if t.o.Bad == nil || t.log == nil {
		return nil
	}
	found := t.o.Bad.Found()
	if len(found) > t.bad {
		t.bad = len(found)
		t.event(Event{Kind: Broken, Images: found})
	}
	return found
}

// badImages ends the training, saved, where an image was found broken and none may be, or more than may be.
func (t *trainer) badImages() error {
	if t.several() { // a source's error ends them all
		return nil
	}
	err := t.tooBad(t.tellBad())
	if err == nil {
		return nil
	}
	if failed := t.engine.Finish(); failed != nil {
		return errors.Join(err, failed)
	}
	var p *data.Problem
	if !errors.As(err, &p) {
		return err
	}
	return t.saveFor(err, p)
}

func (t *trainer) tooBad(found []int) error {
	if !t.cfg.SkipsBad() {
		for _, i := range found {
			if err := t.o.Bad.Problem(i); err != nil {
				return err
			}
		}
		return nil
	}
	all := len(t.o.Cohort.Images)
	most := t.cfg.MaxBad
	if most < 1 {
		most = math.Floor(most * float64(all))
	}
	if float64(len(found)) <= most {
		return nil
	}
	return &data.Problem{Code: codeTooManyBad, What: "more images than --max-bad allows cannot be decoded",
		Expected: fmt.Sprintf("at most %.0f of %d", most, all), Found: fmt.Sprintf("%d so far", len(found)),
		Cause: "files copied in part, or another kind of file under the name of images", Fix: "look at the images that private/bad.tsv of the run names, mend them, or raise --max-bad"}
}
