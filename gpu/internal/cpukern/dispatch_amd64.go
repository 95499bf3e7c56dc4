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
