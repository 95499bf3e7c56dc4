// Package measure has the metrics by which predictions are judged, with scikit-learn's names, and their intervals by the bootstrap over persons.
//
// Every metric is computed over a whole split at once, never over batches. What is 0/0 is undefined and NaN, with words that say why (Metric.Why); nothing is put in its place. A
// mean over labels or classes is over those that are defined. Where programs differ, the definition here is:
//
//   - AUC: the share of pairs of a positive and a negative that are in the right order, equals counting half; undefined for one class
//   - average precision: the step sum over distinct scores, not the trapezoid
//   - recall and balanced accuracy over classes of the truth; precision over predicted ones; F1 over those in either
//   - kappa and the Matthews coefficient are undefined where 0/0, R² for a constant truth
//   - calibration: bins (lo, hi]; Brier: the sum over classes, of two classes also the half as brier_score
//   - Dice: the mean over images; undefined for an image where truth and prediction are empty, 0 where only the truth is
//   - retrieval: expectations where ties are broken at random
//
// A metric takes weights of rows, w, which are how often each is in a resample; nil means once each. So a bootstrap sorts nothing anew.
package measure
