// Package heldout asks of a finished model which units of a modality it uses: whether giving persons whom it has never seen the
// values of another person makes the match with their own image worse. Nothing is trained again, and no attribution is looked at,
// so that it holds for any network.
//
// The loss of a person is its own image-to-genetics term against the reference batch, with u, v the unit embeddings of image and
// genetics and V_j those of the reference:
//
//	loss = log(sum_j e^(u.V_j/tau) + e^(u.v/tau)) - u.v/tau
//
// The first layer is linear, so that another value of a unit moves what is behind it by (x' - x)_unit W_unit; rows of many
// units and persons go through the rest of the network together.
package heldout
