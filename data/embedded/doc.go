// Package embedded reads the folders that `contig-gpu embed` writes: who has a row, in which split of the run, and the matrices of features and embeddings,
// some rows at a time. A folder of features from elsewhere is read too: persons.tsv with person_id, and split where there are splits, beside NumPy arrays with a row
// for each line.
//
//	rows, err := embedded.Persons(dir)    // or embedded.Images(dir)
//	m, err := rows.Open("features")
//	err = m.Read(lo, hi, dst)             // rows in the order of rows.IDs, whatever their order in the file
package embedded
