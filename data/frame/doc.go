// Package frame reads tables of a row each person in whatever form they have: text as package table reads it, Parquet, NumPy arrays and HDF5 with lists of
// ids and names beside them, and the phenotype exports of biobanks.
//
// Sources: the formats' specifications: Apache Parquet; NumPy's format.py (.npy 1.0 to 3.0); the HDF5 File Format Specification, version 3.0.
package frame
