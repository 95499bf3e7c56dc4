// Package label reads labels.tsv: what is to be predicted, by person or by image, and joins it to the rows of features.
//
// The key is the column image, or else person_id (IID, eid). Fields that say that a value is missing are unknown, and stay so. A column's type follows from
// its values unless a task states it: two values are binary, whole numbers from 0 to at most 10 classes, words classes in the order of the alphabet, other numbers
// a trait. Ids are text: 007 and 7 are two persons.
package label
