//go:build linux && cgo

package dnn

/*
#include "calls.h"
*/
import "C"

import (
	"bytes"
	"errors"
)

// maxDescription is more than the description of any GPU takes: that of an H200 has 700 bytes.
const maxDescription = 1 << 16

// DescribeGPU returns the library's own description of the handle's GPU: JSON, what NewProber takes.
func (h *Handle) DescribeGPU() ([]byte, error) {
	if h.closed {
		return nil, errors.New("cuDNN: the handle is closed")
	}
	var s scope
	defer s.close()
	d := s.make("the description of the GPU", C.CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR,
		valuesOf(C.CUDNN_ATTR_DEVICEPROP_HANDLE, C.CUDNN_TYPE_HANDLE, []C.cudnnHandle_t{h.target.handle}))
	text := get(&s, d, C.CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, C.CUDNN_TYPE_CHAR, make([]byte, maxDescription))
	if s.err == nil && len(text) == 0 {
		s.err = errors.New("cuDNN: the description of the GPU is empty")
	}
	return bytes.TrimRight(text, "\x00"), s.err
}
