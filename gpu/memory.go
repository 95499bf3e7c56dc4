package gpu

import (
	"fmt"
	"slices"
)

// Names of memory that operations and uploads take, not arenas.
const (
	scratchName = "scratch" // what operations work in
	pinnedName  = "pinned"  // page-locked memory of the host, on its way to a GPU
)

// Held is memory under one name, in bytes.
type Held struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
	Host  bool   `json:"-"` // of the host, whatever the device
}

// A ledger adds up memory by name.
type ledger []Held

func (l *ledger) add(name string, bytes int) {
	i := slices.IndexFunc(*l, func(h Held) bool { return h.Name == name })
	if i < 0 {
		*l = append(*l, Held{Name: name, Host: name == pinnedName})
		i = len(*l) - 1
	}
	(*l)[i].Bytes = Plus((*l)[i].Bytes, bytes)
}

// list returns what is held.
func (l ledger) list() []Held {
	return slices.DeleteFunc(slices.Clone(l), func(h Held) bool { return h.Bytes == 0 })
}

// Allocated returns the memory that is held now, in bytes by name, in the order in which names came first: that of
// arenas, "scratch", which operations work in, and "pinned", which is the host's. On a planning device it is what the
// same calls would hold on the device that it plans for.
func (d *Device) Allocated() []Held { return d.allocated() }

// Scratch returns the most scratch memory that the operations so far work in, in bytes: on a planning device what
// ReserveScratch must reserve.
func (d *Device) Scratch() int { return d.most() }

// ReserveScratch gives operations memory to work in, so that none of them stops to take more. The CPU's take theirs
// when they first need it.
func (d *Device) ReserveScratch(bytes int) {
	if bytes != 0 {
		d.reserve(bytes)
	}
}

// A MemoryError says that a device has not the memory for an arena.
type MemoryError struct {
	Arena       string // what the memory was for
	Bytes, Free int    // asked for, 0 where that is the driver's affair, and free
	Err         error  // the driver's
}

// Error names the arena and both numbers.
func (e *MemoryError) Error() string {
	return fmt.Sprintf("gpu: no memory for %s: %d bytes were asked for, %d are free: %v", e.Arena, e.Bytes, e.Free, e.Err)
}

// Unwrap returns the driver's error.
func (e *MemoryError) Unwrap() error { return e.Err }
