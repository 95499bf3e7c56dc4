package gpu

import "contig-gpu/gpu/internal/driver"

// pin reserves page-locked memory on a device that copies beside its work; nil: it does not, or only plans to.
func (d *Device) pin(bytes int) (driver.Overlap, []byte, error) {
	if d.gpu == nil {
		return nil, nil, nil
	}
	over, ok := d.gpu.dev.(driver.Overlap)
	if !ok {
		return nil, nil, nil
	}
	var b []byte
	if bytes > 0 { // the driver refuses to give none
		var err error
		if b, err = over.Pinned(bytes); err != nil {
			return nil, nil, err
		}
	}
	d.book().add(pinnedName, bytes)
	if d.kind == plan {
		over = nil
	}
	return over, b, nil
}

// unpin gives page-locked memory back.
func (d *Device) unpin(over driver.Overlap, b []byte, bytes int) {
	over.FreePinned(b)
	d.book().add(pinnedName, -bytes)
}

// aligned returns bytes rounded up to where the next tensor may begin.
func aligned(bytes int) int { return (bytes + arenaAlign - 1) / arenaAlign * arenaAlign }
