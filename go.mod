module contig-gpu

go 1.26.0
