// Package fundus turns image files into pixels a network can read: decoding with every doubt an error,
// antialiased resizing equal to torchvision's, normalisation, and augmentation whose draws depend on
// (seed, epoch, image) alone.
//
// Decode reads a file into an RGB; Square makes it square; Augmenter or Normalise write the
// float32 values of a batch. Nothing here keeps state between images but reusable buffers.
package fundus
