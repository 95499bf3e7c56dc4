package cohort

import (
	"fmt"

	"contig-gpu/data/table"
)

// selection says what is wanted of the next table: the rows of persons whom the lists keep, within what memory is left.
func (j *join) selection() table.Selection {
	only := table.Selection{Faults: j.faults, Want: func(ids []string) bool {
		id, _ := j.who(ids)
		i, ok := j.m.index[id]
		return ok && j.in[i]
	}}
	if j.o.Memory > 0 {
		only.Room = max(1, j.room())
	}
	return only
}

// room returns the bytes that the sources loaded so far leave, where it is known how many were free.
func (j *join) room() int {
	left := int(j.o.Memory)
	for _, n := range j.bytes {
		left -= n
	}
	return max(0, left)
}

// makeRoom counts what a source will hold of so many persons, before it is loaded. Where there is not as much memory, that is E403.
func (j *join) makeRoom(src source, persons int) error {
	bytes := src.bytes(persons)
	if j.o.Memory > 0 && bytes > j.room() {
		return table.NoRoom(src.file(), 0, fmt.Sprintf("%d persons", persons), bytes, j.room())
	}
	j.bytes = append(j.bytes, bytes)
	return nil
}
