//go:build gorgonia && linux && cgo

package gorgonia

import (
	"fmt"
	"math"
	"unsafe"

	"gonum.org/v1/gonum/blas"
	cudnn "gorgonia.org/cu/dnn"

	"contig-gpu/gpu/internal/driver"
)

// MatMul queues a product in float32; TF32 is not used, cu/blas cannot ask for it. cuBLAS's matrices are
// column-major: it computes the transpose, op(B)^T op(A)^T. Bias and ReLU are launches of their own, cuDNN's.
func (d *Device) MatMul(p driver.Product, c, a, b driver.Ptr) {
	if !d.ready() || !d.float32s("MatMul", p.In, p.Out) {
		return
	}
	if max(p.M, p.N, p.K) > math.MaxInt32 {
		d.Fail(fmt.Errorf("%s: MatMul of [%d, %d] by [%d, %d]: cuBLAS counts to %d", d.name, p.M, p.K, p.K, p.N, math.MaxInt32))
		return
	}
	lda, ldb := p.K, p.N
	if p.TransA {
		lda = p.M
	}
	if p.TransB {
		ldb = p.K
	}
	d.blas.Sgemm(trans(p.TransB), trans(p.TransA), p.N, p.M, p.K, 1, floats(b), ldb, floats(a), lda, p.Beta, floats(c), p.N)
	if err := d.blas.Err(); err != nil { // it stays, and Sgemm then does nothing: so does this device
		d.Fail(fmt.Errorf("%s: cublasSgemm of [%d, %d] by [%d, %d]: %w", d.name, p.M, p.K, p.K, p.N, err))
		return
	}
	if p.Bias != 0 || p.ReLU {
		d.queued("epilogue", d.finish(p, c))
	}
}

// MatMulScratch returns 0: cuBLAS has memory of its own.
func (d *Device) MatMulScratch(driver.Product) int { return 0 }

// float32s records a failure unless all types are float32.
func (d *Device) float32s(op string, types ...driver.Type) bool {
	for _, t := range types {
		if t != driver.F32 {
			d.Fail(fmt.Errorf("%s: %s in %v: the device computes in f32", d.name, op, t))
			return false
		}
	}
	return true
}

func trans(t bool) blas.Transpose {
	if t {
		return blas.Trans
	}
	return blas.NoTrans
}

// floats is how cu/blas takes device memory: as a slice, of which it uses the address only.
func floats(p driver.Ptr) []float32 {
	return unsafe.Slice(*(**float32)(unsafe.Pointer(&p)), 1)
}

// memory is how cu/dnn takes device memory.
type memory driver.Ptr

// Uintptr returns the address.
func (m memory) Uintptr() uintptr { return uintptr(m) }

// IsNativelyAccessible returns false: Go cannot read it.
func (m memory) IsNativelyAccessible() bool { return false }

// An epilogue describes a result [M, N] and a bias [N] to cuDNN.
type epilogue struct{ result, bias *cudnn.TensorDescriptor }

// finish adds the bias to c and takes the positive part, as asked for.
func (d *Device) finish(p driver.Product, c driver.Ptr) error {
	e, err := d.epilogue(p.M, p.N)
	if err != nil {
		return err
	}
	if p.Bias != 0 {
		if err := d.dnn.AddTensor(1, e.bias, memory(p.Bias), 1, e.result, memory(c)); err != nil {
			return explain("cudnnAddTensor", err)
		}
	}
	if p.ReLU {
		return explain("cudnnActivationForward", d.dnn.ActivationForward(d.relu, 1, e.result, memory(c), 0, e.result, memory(c)))
	}
	return nil
}

func (d *Device) epilogue(m, n int) (*epilogue, error) {
	if e := d.affine[[2]int{m, n}]; e != nil {
		return e, nil
	}
	if d.relu == nil {
		r, err := cudnn.NewActivation(cudnn.ReLU, cudnn.PropagateNan, 0)
		if err != nil {
			return nil, explain("cudnnSetActivationDescriptor", err)
		}
		d.relu = r
	}
	result, err := tensor(cudnn.NCHW, m, n, 1, 1)
	if err != nil {
		return nil, err
	}
	bias, err := tensor(cudnn.NCHW, 1, n, 1, 1)
	if err != nil {
		return nil, err
	}
	e := &epilogue{result, bias}
	d.affine[[2]int{m, n}] = e
	return e, nil
}

// tensor describes float32 memory. cuDNN's order of dimensions is n, c, h, w whatever the format.
func tensor(format cudnn.TensorFormat, n, c, h, w int) (*cudnn.TensorDescriptor, error) {
	t, err := cudnn.NewTensorDescriptor(format, cudnn.Float, []int{n, c, h, w}, nil)
	return t, explain("cudnnSetTensor4dDescriptor", err)
}
