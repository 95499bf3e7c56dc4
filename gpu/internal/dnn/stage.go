//go:build linux && cgo

package dnn

import (
	"encoding/binary"
	"fmt"
	"math"

	"contig-gpu/gpu/internal/driver"
)

// A memoryError is the device's refusal of memory to time a plan on.
type memoryError struct{ error }

func (e *memoryError) Unwrap() error { return e.error }

// stage takes memory for the tensors of a Problem and room bytes to work in; free gives it back.
func (h *Handle) stage(p Problem, room int) (at tensors, work driver.Ptr, free func(), err error) {
	var taken []driver.Ptr
	free = func() {
		for _, p := range taken {
			h.Timer.Free(p)
		}
	}
	take := func(bytes int) (driver.Ptr, error) {
		p, err := h.Timer.Alloc(max(bytes, alignment))
		if err != nil {
			return 0, &memoryError{fmt.Errorf("timing it takes memory: %w", err)}
		}
		taken = append(taken, p)
		return p, nil
	}
	for i, r := range p.tensors() {
		bytes, t := p.extent(r)
		if at[i], err = take(bytes); err != nil {
			return at, 0, free, err
		}
		h.fill(at[i], bytes, t)
	}
	work, err = take(room)
	return at, work, free, err
}

// fill writes values between -1 and 1: a GPU draws less power, and is faster, on zeros.
func (h *Handle) fill(at driver.Ptr, bytes int, t driver.Type) {
	const block = 1 << 20
	b := make([]byte, min(bytes, block))
	state := uint32(1)
	for i := 0; i+t.Size() <= len(b); i += t.Size() {
		state = state*1664525 + 1013904223
		v := float32(int32(state)) / (1 << 31)
		switch t {
		case driver.F32:
			binary.LittleEndian.PutUint32(b[i:], math.Float32bits(v))
		case driver.BF16:
			binary.LittleEndian.PutUint16(b[i:], uint16(math.Float32bits(v)>>16))
		case driver.F16: // sign and 10 bits of fraction at random, between 0.5 and 1
			binary.LittleEndian.PutUint16(b[i:], uint16(state>>16)&0x83ff|0x3800)
		}
	}
	h.Timer.Upload(at, b)
	for done := len(b); done < bytes; {
		n := min(done, bytes-done)
		h.Timer.Copy(at.Add(done), at, n)
		done += n
	}
}

// extent returns the bytes of a tensor, and its type.
func (p Problem) extent(r role) (int, driver.Type) {
	c := p.Conv
	switch r {
	case roleX, roleInput, roleInputAdd, roleApplied:
		return c.N * c.H * c.W * c.C * c.Type.Size(), c.Type
	case roleY:
		return c.N * c.OH() * c.OW() * c.K * c.Type.Size(), c.Type
	case roleSum, roleSquare:
		return c.K * 4, driver.F32
	case roleScale, roleBias:
		return c.C * p.vectors().Size(), p.vectors()
	case roleMean, roleRstd, roleGamma, roleBeta, roleDgamma, roleDbeta, roleByD, roleByInput, roleShift:
		return c.C * 4, driver.F32
	}
	if r == roleAdd && p.Op == NormBackwardDataAdd {
		return p.extent(roleX)
	}
	t := c.Type
	if p.Op == BackwardWeight {
		t = driver.F32
	}
	return c.K * c.R * c.S * c.C * t.Size(), t
}
