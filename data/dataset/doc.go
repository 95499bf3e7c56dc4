// Package dataset reads folders of published image data sets as people have them, and says of each image whose it is, in which split, and what is known of it.
//
// A layout is told by names of folders, files and columns, in any of the forms that are in circulation: folders doubled by unpacking, names in another case, tables with empty columns. What is ambiguous is refused, and what
// is left out is counted. Nothing depends on the order in which a file system lists names.
package dataset
