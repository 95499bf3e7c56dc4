// Package loader yields the batches of one split of a cohort: it orders and groups the images, decodes and
// augments them on goroutines ahead of the caller, and looks up their genetics.
//
// What it yields depends on the options and the epoch alone. The order of an epoch, the composition of its
// batches and every draw of the augmentation come from (seed, epoch, image), so that any number of workers
// gives the same bytes and Reset(epoch, skip) goes on in mid-epoch without decoding what it skips.
package loader
