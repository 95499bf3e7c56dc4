package genofile

// formats in the order in which files of one prefix are looked for.
func formats() []format { return []format{bed()} }
