package gpu

// Room returns the bytes of an arena that take fits into: the peak of what it takes from one that has no end. take runs
// once, on a planning device.
func Room(take func(*Arena)) int {
	a := newDevice(&blankBackend{}, "").NewArena(0)
	take(a)
	return a.Peak()
}

// Deal returns an arena of d, named as NamedArena does, with room for what take takes from it, and that taken. take runs
// twice, the first time on a planning device: it must take the same both times, and the tensors of the second are those
// that count.
func (d *Device) Deal(name string, take func(*Arena)) *Arena {
	a := d.NamedArena(name, Room(take))
	take(a)
	return a
}
