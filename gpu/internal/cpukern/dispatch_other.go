//go:build !amd64

package cpukern

func bestISA() isa { return isaGo }

func kernels32(isa) kernels[float32] { return portable[float32]() }

func kernels64(isa) kernels[float64] { return portable[float64]() }

func pathKernels32(isa) pathKernels[float32] { return portablePath[float32]() }
func pathKernels64(isa) pathKernels[float64] { return portablePath[float64]() }
