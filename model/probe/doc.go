// Package probe fits small models to frozen features, to tell what a representation is worth: nearest neighbours, logistic and ordinal regression, regressions of labels and
// of traits.
//
// Everything is computed in float64 on the CPU device, whose products are the same bytes for any number of threads, and to full convergence: a fit ends where the gradient is rounding noise.
// What is fitted, standardisation included, comes from the rows it is given and from nothing else.
//
// # Logistic regression
//
// minimises mean_i weight_i CE_i + lambda/2 |W|², intercepts free; two classes have one row and a sigmoid, more a softmax. Newton's equations are solved by conjugate gradients, so
// that no Hessian of classes x features is made. They are preconditioned by one block for all classes, the Hessian of the rows' mean curvature, factored by products of the
// device: features x features where there are more rows, rows x rows where there are more features (Woodbury). For one row of weights the block is the Hessian itself. It
// is made anew where the steps since have cost more than it does.
//
// # Ridge regression
//
// The inverse of the Cholesky factor of X'X + alpha gives coefficients, which are refined once by their residual, and by one more product the leave-one-out errors of all rows. With more features than rows
// both come from XX' + alpha.
package probe
