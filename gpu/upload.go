package gpu

import (
	"fmt"
	"unsafe"

	"contig-gpu/gpu/internal/driver"
)

// An Upload moves host data into tensors beside the device's work, by way of page-locked memory. One use is Begin,
// UploadTo for every tensor, Arrive before the work that reads them is queued and Release after it. Devices that
// copy nothing beside their work copy at once.
type Upload struct {
	dev     *Device
	over    driver.Overlap // nil where copies are made at once
	pinned  []byte
	bytes   int          // of pinned
	next    int          // first free byte of pinned
	arrived driver.Event // the copies of the last use are made
	read    driver.Event // the work that reads them is done
}

// NewUpload reserves page-locked memory for uses of up to the given number of bytes in all.
func (d *Device) NewUpload(bytes int) (*Upload, error) {
	u := &Upload{dev: d, bytes: bytes}
	var err error
	if u.over, u.pinned, err = d.pin(bytes); err != nil {
		return nil, fmt.Errorf("gpu: NewUpload: %w", err)
	}
	return u, nil
}

// Begin waits until the page-locked memory is free and makes the copies to come wait for the work before Release.
func (u *Upload) Begin() error {
	u.next = 0
	if u.over == nil {
		return nil
	}
	if u.arrived != nil {
		err := u.arrived.Wait()
		u.arrived.Close()
		if u.arrived = nil; err != nil {
			return fmt.Errorf("gpu: Upload: %w", err)
		}
	}
	if u.read != nil {
		u.over.CopyAfter(u.read)
		u.read.Close()
		u.read = nil
	}
	return nil
}

// UploadTo copies src into t, converting between element types. src may be reused at once. It panics if the
// uses of one Begin take more than NewUpload reserved.
func UploadTo[E Element](u *Upload, t Tensor, src []E) {
	if len(src) != t.Len() {
		panic(fmt.Sprintf("gpu: UploadTo: %d elements into a tensor of %v", len(src), t.Dims()))
	}
	if u.over == nil || len(src) == 0 {
		Write(t, src)
		return
	}
	end := u.next + t.Bytes()
	if end > len(u.pinned) {
		panic(fmt.Sprintf("gpu: UploadTo: %d bytes of %d reserved", end, len(u.pinned)))
	}
	part, h := u.pinned[u.next:end], t
	h.mem, h.at = unsafe.Pointer(unsafe.SliceData(part)), 0
	encode(h, src)
	u.over.UploadPinned(t.at, part)
	u.next = aligned(end)
}

// Arrive makes work that is queued from now on wait for the copies.
func (u *Upload) Arrive() {
	if u.over != nil {
		u.arrived = u.over.CopyMark()
		u.over.MainAfter(u.arrived)
	}
}

// Release says that the work queued so far is all that reads what was copied.
func (u *Upload) Release() {
	if u.over != nil {
		u.read = u.over.MainMark()
	}
}

// Close gives the page-locked memory back.
func (u *Upload) Close() {
	if u.over == nil {
		return
	}
	for _, e := range []driver.Event{u.arrived, u.read} {
		if e != nil {
			e.Wait()
			e.Close()
		}
	}
	u.dev.unpin(u.over, u.pinned, u.bytes)
	u.over, u.pinned, u.arrived, u.read = nil, nil, nil, nil
}
