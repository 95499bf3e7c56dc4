// The TF32 product of a warp, mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32.
#pragma once

namespace simt {

// mma_tf32 adds to d [16, 8] the product of a [16, 8] and b [8, 8]. All 32 lanes of a warp call it with their fragments, which
// lie as the PTX manual has them ("Matrix fragments for mma.m16n8k8"). The low 13 bits of a and b do not count.
void mma_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]);

} // namespace simt
