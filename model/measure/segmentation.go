package measure

import "math"

// Overlaps are the metrics of masks of n images and c classes. What is undefined is NaN: an image, or class, that is empty in truth and prediction.
type Overlaps struct {
	Dice, IoU         [][]float64 // by image and class
	DiceMean, IoUMean []float64   // by class, over the images that are defined
	Defined           []int       // by class: how many those are
	DicePooled        []float64   // by class, of the pixels of all images together
	IoUPooled         []float64
	DiceIfEmptyIs1    []float64 // by class: the mean with 1 for what is undefined, as some competitions have it
	Soft              float64   // of probabilities, over all images, classes and pixels at once
}

// Masks compares masks. truth and probability are [n, c, pixels]; what is above the threshold is predicted.
func Masks(n, c int, truth []bool, probability []float64, threshold float64) *Overlaps {
	pixels := len(truth) / (n * c)
	o := &Overlaps{Defined: make([]int, c)}
	both, either := make([]float64, c), make([]float64, c)
	var product, all float64
	for i := range n {
		dice, iou := make([]float64, c), make([]float64, c)
		for k := range c {
			at := (i*c + k) * pixels
			inter, t, p := 0.0, 0.0, 0.0
			for j, v := range probability[at : at+pixels] {
				if all += v; truth[at+j] {
					t, product, all = t+1, product+v, all+1
				}
				if v > threshold {
					p++
					if truth[at+j] {
						inter++
					}
				}
			}
			dice[k], iou[k] = 2*inter/(t+p), inter/(t+p-inter) // 0/0 is NaN
			both[k], either[k] = both[k]+inter, either[k]+t+p
			if t+p > 0 {
				o.Defined[k]++
			}
		}
		o.Dice, o.IoU = append(o.Dice, dice), append(o.IoU, iou)
	}
	o.Soft = 2 * product / all
	for k := range c {
		o.DicePooled, o.IoUPooled = append(o.DicePooled, 2*both[k]/either[k]), append(o.IoUPooled, both[k]/(either[k]-both[k]))
	}
	o.average(c)
	return o
}

// average fills what is over images.
func (o *Overlaps) average(c int) {
	for k := range c {
		dice, iou, filled := make([]float64, len(o.Dice)), make([]float64, len(o.Dice)), make([]float64, len(o.Dice))
		for i := range o.Dice {
			dice[i], iou[i], filled[i] = o.Dice[i][k], o.IoU[i][k], o.Dice[i][k]
			if math.IsNaN(filled[i]) {
				filled[i] = 1
			}
		}
		o.DiceMean, o.IoUMean, o.DiceIfEmptyIs1 = append(o.DiceMean, Mean(dice, nil)), append(o.IoUMean, Mean(iou, nil)), append(o.DiceIfEmptyIs1, Mean(filled, nil))
	}
}
