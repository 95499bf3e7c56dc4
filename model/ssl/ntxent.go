package ssl

import (
	"contig-gpu/gpu"
	"contig-gpu/model/nn"
)

// NTXent writes out [4] = {loss, loss, loss, 2 N} of the normalised-temperature cross-entropy of two views (Chen et al. 2020,
// equation 1), and dz = its gradient times scale [1]; the zero Tensor for dz leaves it out, and scale may be left out then.
// z [2 N, D], not normalised, has the first views of N images, then the second views; group, I32 [N], is equal for images
// of one person.
//
//	s_ij = u_i . u_j / tau,  u_i = z_i / max(|z_i|, 1e-12)
//	loss = mean over i of -log(e^s_ii' / sum over j of e^s_ij),  i' the other view of i
//
// The sum leaves out i itself, and all other views of i's person, which are no negatives, but i'. With one image a person
// that is the published loss.
//
// It is the InfoNCE of z against z with its views exchanged: the positive pairs then lie on the diagonal, and i itself is
// another pair of i's person, which the loss masks.
func NTXent(p *nn.Pass, out, dz, z, group, scale gpu.Tensor, tau float64) {
	n, like := group.Dim(0), z.Dims()
	a := p.Branch()
	other, all, present := a.New(like...), a.NewAs(gpu.I32, 2*n), a.NewAs(gpu.U8, 2*n)
	exchange(other, z)
	gpu.Copy(part(all, 0), group)
	gpu.Copy(part(all, 1), group)
	gpu.Fill(present, 1)
	spec := gpu.InfoNCESpec{Tau: tau, Lambda: 1, Pairs: gpu.MaskPairs}
	if !dz.Ok() {
		gpu.InfoNCE(out, dz, dz, z, other, present, all, scale, spec)
		return
	}
	dother, back := a.New(like...), a.New(like...)
	gpu.InfoNCE(out, dz, dother, z, other, present, all, scale, spec)
	exchange(back, dother)
	gpu.Add(dz, dz, back)
	a.Finish()
}

// exchange writes x with its two views exchanged to y.
func exchange(y, x gpu.Tensor) {
	gpu.Copy(part(y, 0), part(x, 1))
	gpu.Copy(part(y, 1), part(x, 0))
}
