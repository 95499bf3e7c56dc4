package gpu

import "contig-gpu/gpu/internal/driver"

// unpin gives page-locked memory back.
func (d *Device) unpin(over driver.Overlap, b []byte, bytes int) {
	over.FreePinned(b)
	d.book().add(pinnedName, -bytes)
}

// aligned returns bytes rounded up to where the next tensor may begin.
func aligned(bytes int) int { return (bytes + arenaAlign - 1) / arenaAlign * arenaAlign }
