package measure

import "math"

// An Overlap counts the pixels of one mask of one image, or of several.
type Overlap struct {
	Truth, Predicted, Both float64
	Soft, SoftBoth         float64 // sums of the probabilities, of all pixels and of those of the truth
}

// Dice is twice what both have over the sum of what each has: NaN where both are empty.
func (o Overlap) Dice() float64 { return 2 * o.Both / (o.Truth + o.Predicted) }

// IoU is what both have over what either has: NaN where both are empty.
func (o Overlap) IoU() float64 { return o.Both / (o.Truth + o.Predicted - o.Both) }

func (o *Overlap) add(x Overlap, w float64) {
	o.Truth, o.Predicted, o.Both = o.Truth+w*x.Truth, o.Predicted+w*x.Predicted, o.Both+w*x.Both
	o.Soft, o.SoftBoth = o.Soft+w*x.Soft, o.SoftBoth+w*x.SoftBoth
}

// OverlapOf compares a truth with logits of the same pixels, above 0 being predicted: a probability above one half.
func OverlapOf[F float32 | float64](truth []uint8, logits []F) (o Overlap) {
	for i, v := range logits {
		p, t := 1/(1+math.Exp(-float64(v))), float64(truth[i])
		o.Truth, o.Soft, o.SoftBoth = o.Truth+t, o.Soft+p, o.SoftBoth+p*t
		if v > 0 {
			o.Predicted, o.Both = o.Predicted+1, o.Both+t
		}
	}
	return o
}

// Words of what is undefined.
const (
	whyAllEmpty  = "truth and prediction are empty in every image of which the class is known"
	whyNoneKnown = "the class is known of no image"
)

// OverlapMetrics are the metrics of masks of classes, by image and class; an entry that is nil is not known. dice and iou are means over images first, then over classes, of what is defined; pooled are those of all pixels of a class
// together; dice_if_empty_counts_1 has 1 for images in which truth and prediction are empty; dice_soft is of probabilities, over all images, classes and pixels at once.
func OverlapMetrics(classes []string, rows [][]*Overlap) []Metric {
	s := overlaps{rows, len(classes)}
	out := []Metric{
		s.over("dice", func(k int, w []float64) float64 { return s.mean(k, w, Overlap.Dice, math.NaN()) }),
		s.over("iou", func(k int, w []float64) float64 { return s.mean(k, w, Overlap.IoU, math.NaN()) }),
		s.over("dice_pooled", func(k int, w []float64) float64 { return s.pooled(k, w).Dice() }),
		s.over("iou_pooled", func(k int, w []float64) float64 { return s.pooled(k, w).IoU() }),
		s.over("dice_if_empty_counts_1", func(k int, w []float64) float64 { return s.mean(k, w, Overlap.Dice, 1) }),
		{Name: "dice_soft", Why: whyNoneKnown, Of: func(w []float64) float64 {
			var all Overlap
			for k := range classes {
				all.add(s.pooled(k, w), 1)
			}
			return 2 * all.SoftBoth / (all.Soft + all.Truth)
		}},
	}
	if len(classes) == 1 {
		return out
	}
	for k, name := range classes {
		out = append(out,
			Metric{Name: "dice." + name, Why: whyAllEmpty, Of: func(w []float64) float64 { return s.mean(k, w, Overlap.Dice, math.NaN()) }},
			Metric{Name: "iou." + name, Why: whyAllEmpty, Of: func(w []float64) float64 { return s.mean(k, w, Overlap.IoU, math.NaN()) }},
			Metric{Name: "dice_pooled." + name, Why: whyAllEmpty, Of: func(w []float64) float64 { return s.pooled(k, w).Dice() }})
	}
	return out
}

type overlaps struct {
	rows    [][]*Overlap
	classes int
}

// over is a metric that is the mean over the classes in which it is defined.
func (s overlaps) over(name string, of func(k int, w []float64) float64) Metric {
	return Metric{Name: name, Why: whyAllEmpty, Of: func(w []float64) float64 {
		var each []float64
		for k := range s.classes {
			each = append(each, of(k, w))
		}
		return Mean(each, nil)
	}}
}

// mean is over the images of which a class is known; empty stands for what is undefined, and NaN leaves it out.
func (s overlaps) mean(k int, w []float64, of func(Overlap) float64, empty float64) float64 {
	sum, n := 0.0, 0.0
	for i, r := range s.rows {
		if r[k] == nil {
			continue
		}
		v := of(*r[k])
		if math.IsNaN(v) {
			v = empty
		}
		if g := weight(w, i); g > 0 && !math.IsNaN(v) {
			sum, n = sum+g*v, n+g
		}
	}
	return sum / n
}

// pooled are the pixels of a class in all images together.
func (s overlaps) pooled(k int, w []float64) (o Overlap) {
	for i, r := range s.rows {
		if r[k] != nil {
			o.add(*r[k], weight(w, i))
		}
	}
	return o
}
