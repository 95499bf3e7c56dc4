package cpukern

import "golang.org/x/sys/cpu"

// bestISA returns the widest instruction set of this machine.
func bestISA() isa {
	switch x := cpu.X86; {
	case x.HasAVX512F && x.HasAVX512VL && x.HasAVX512DQ && x.HasAVX512BW && x.HasAVX2 && x.HasFMA:
		return isaAVX512
	case x.HasAVX2 && x.HasFMA:
		return isaAVX2
	}
	return isaGo
}

func kernels32(i isa) kernels[float32] {
	switch i {
	case isaAVX512:
		return kernels[float32]{12, 32, microAVX512F32, transposeAVX2, packRowsAVX512F32, packColsAVX512F32}
	case isaAVX2:
		return kernels[float32]{6, 16, microAVX2F32, transposeAVX2, packRowsAVX2F32, packColsAVX2F32}
	}
	return portable[float32]()
}

func kernels64(i isa) kernels[float64] {
	switch i {
	case isaAVX512:
		return kernels[float64]{12, 16, microAVX512F64, nil, packRowsAVX512F64, packColsAVX512F64}
	case isaAVX2:
		return kernels[float64]{6, 8, microAVX2F64, nil, packRowsAVX2F64, packColsAVX2F64}
	}
	return portable[float64]()
}

func pathKernels32(i isa) pathKernels[float32] {
	switch i {
	case isaAVX512:
		return pathKernels[float32]{64, 16, pathForwardAVX512F32, pathTableAVX512F32, pathBackwardAVX512F32}
	case isaAVX2:
		return pathKernels[float32]{32, 8, pathForwardAVX2F32, pathTableAVX2F32, pathBackwardAVX2F32}
	}
	return portablePath[float32]()
}

func pathKernels64(i isa) pathKernels[float64] {
	switch i {
	case isaAVX512:
		return pathKernels[float64]{32, 8, pathForwardAVX512F64, pathTableAVX512F64, pathBackwardAVX512F64}
	case isaAVX2:
		return pathKernels[float64]{16, 4, pathForwardAVX2F64, pathTableAVX2F64, pathBackwardAVX2F64}
	}
	return portablePath[float64]()
}
