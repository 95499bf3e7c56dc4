// Package decoys asks whether the images of a cohort and units of its genetics are associated, given the strata: a network is
// trained from scratch with a decoy of every column, the values of another person of the same stratum, and units whose attributions
// exceed their decoys' by more than chance are claimed. All columns change persons together, so that frequencies,
// linkage and rarity stay and the tie to the image goes; a column and its decoy begin with equal weights and are treated alike
// everywhere. Where units are independent of each other inside of strata, a unit without association and its decoy could change
// places and nobody would see it: that is what makes the rules hold.
//
// Decoys are never put into the model that is kept.
package decoys
