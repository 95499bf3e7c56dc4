// Package downstream judges features by a task: it fits a probe on the rows of the training split, chooses its regularisation among them, predicts the others, and says what
// came of it, with intervals over persons.
//
// Nothing of the validation or test rows reaches a fit: standardisation, classes that have coefficients, and regularisation come from training rows alone. The validation split is for whoever compares
// probes; the test split is predicted once.
package downstream
