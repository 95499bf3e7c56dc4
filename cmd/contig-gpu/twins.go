package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"contig-gpu/data"
	"contig-gpu/data/fundus"
)

// pixelDigest is a digest of what an image shows, whatever its file: a copy in another format without losses has the same.
func pixelDigest(im *fundus.RGB) (d [sha256.Size]byte) {
	h := sha256.New()
	h.Write(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, uint64(im.W)), uint64(im.H)))
	h.Write(im.Pix)
	h.Sum(d[:0])
	return d
}

// twins counts images with the same pixels as an earlier one.
type twins struct {
	same    int // of the same person
	persons int // of another person
	splits  int // of these, in another split
}

// twinsOf compares images by the digests of their pixels, and hands each that is of two persons to faults. splits are of persons, nil where they are not known.
func twinsOf(images []data.Image, digests [][sha256.Size]byte, persons []data.Person, faults *data.Faults) (t twins) {
	first := make(map[[sha256.Size]byte]int, len(digests))
	for i, d := range digests {
		if d == ([sha256.Size]byte{}) {
			continue
		}
		j, there := first[d]
		if !there {
			first[d] = i
			continue
		}
		a, b := images[j].Person, images[i].Person
		if a == b {
			t.same++
			continue
		}
		t.persons++
		what := fmt.Sprintf("the same pixels as the image on line %d, of another person", images[j].Line)
		if a < len(persons) && b < len(persons) && persons[a].Split != persons[b].Split {
			t.splits++
			what += ", in another split"
		}
		faults.Warn(504, images[i].Path, images[i].Line, what)
	}
	return t
}

// notes are the warnings that twins call for.
func (t twins) notes() []string {
	if t.persons == 0 {
		return nil
	}
	return []string{fmt.Sprintf("W504: %d images have the same pixels as an image of another person, %d of them in another split: what is told of a split then counts persons who were trained on. Give both one group, or leave one out.", t.persons, t.splits)}
}
