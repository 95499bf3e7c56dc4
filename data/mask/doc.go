// Package mask reads masks.tsv, which says where classes are in images, and the masks that it names: PNG, BMP and TIFF files in which a pixel is of the class or is not.
//
// A line before the header says which values are the class: "# foreground = nonzero", as without such a line, zero, >N, or value N; of colours their grey, of a palette the colour that it gives. What a mask
// says is never interpolated: where it is brought to another size, each pixel is the nearest.
package mask
