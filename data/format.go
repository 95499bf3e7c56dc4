package data

import (
	"bytes"
	"strings"
)

// A Format is what the first bytes of a file say that it is.
type Format struct {
	Name  string // "an Excel workbook (.xlsx)"
	Fix   string // what to do about it
	Table bool   // it holds tables: of use where one was asked for, in another form
}

// FormatBytes is how much of a file FormatOf looks at, at most.
const FormatBytes = 512

// FormatOf names the format that a file begins as, of those that are commonly found under the name of a text file or of weights. ok is false for
// all others, text and safetensors among them. Sources: the formats' specifications, each at its magic number.
func FormatOf(head []byte) (f Format, ok bool) {
	head = head[:min(len(head), FormatBytes)]
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		return zipOf(head), true
	}
	for _, s := range signatures() {
		if strings.HasPrefix(string(head), s.begin) {
			return s.Format, true
		}
	}
	const most = 16 // bytes of what a page begins with
	page := bytes.TrimLeft(head, "\ufeff \t\r\n")
	for _, begin := range []string{"<!doctype", "<html", "<head"} {
		if bytes.HasPrefix(bytes.ToLower(page[:min(len(page), most)]), []byte(begin)) {
			return Format{Name: "a page of HTML, as a server sends where one has to sign in", Fix: "fetch the file itself"}, true
		}
	}
	return Format{}, false
}

// zipOf tells archives apart by the name of their first file.
func zipOf(head []byte) Format {
	workbook := Format{Name: "an Excel workbook (.xlsx)", Fix: saveAsText, Table: true}
	for _, s := range []struct {
		has string
		Format
	}{
		{"data.pkl", Format{Name: "weights pickled by PyTorch (.pth, .pt)", Fix: saveSafetensors}}, {".npy", Format{Name: "a NumPy archive (.npz)", Fix: saveFrame, Table: true}},
		{"opendocument", Format{Name: "an OpenDocument spreadsheet (.ods)", Fix: saveAsText, Table: true}}, {"[Content_Types]", workbook}, {"xl/", workbook}, {"docProps/", workbook}, {"_rels/", workbook},
	} {
		if bytes.Contains(head, []byte(s.has)) {
			return s.Format
		}
	}
	return Format{Name: "a ZIP archive, such as an Excel workbook (.xlsx) or PyTorch's .pth", Fix: "unpack it; save a workbook as CSV UTF-8, weights with safetensors.torch.save_file", Table: true}
}

// What to do about a file in another format.
const (
	saveAsText      = "save it as \"CSV UTF-8\", or as text with tabs under the name .tsv"
	saveFrame       = "write it as text, such as pandas' to_csv(OUT, sep=\"\\t\", index=False)"
	saveR           = `write it as text: write.table(x, "OUT.tsv", sep = "\t", row.names = FALSE)`
	saveSafetensors = "load it with torch.load(IN, map_location=\"cpu\", weights_only=True) and write its state_dict with safetensors.torch.save_file(state_dict, OUT)"
	packAgain       = "unpack it, or compress it by gzip or zstd"
)

type signature struct {
	begin string
	Format
}

func signatures() []signature {
	return []signature{
		{"version https://git-lfs", Format{Name: "a Git LFS pointer, not the file", Fix: "git lfs pull"}},
		{"/annex/objects/", Format{Name: "a git-annex pointer, not the file", Fix: "git annex get, or datalad get"}},
		{"PAR1", Format{Name: "a Parquet file", Fix: saveFrame, Table: true}}, {"ARROW1", Format{Name: "an Arrow or Feather file", Fix: saveFrame, Table: true}},
		{"FEA1", Format{Name: "a Feather file", Fix: saveFrame, Table: true}}, {"\x89HDF\r\n", Format{Name: "an HDF5 file", Fix: saveFrame, Table: true}},
		{"\x93NUMPY", Format{Name: "a NumPy array (.npy)", Fix: saveFrame, Table: true}}, {"SQLite format 3\x00", Format{Name: "an SQLite database", Fix: saveFrame, Table: true}},
		{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Format{Name: "an old Excel workbook (.xls), or another Office file", Fix: saveAsText, Table: true}},
		{"RDX2\n", Format{Name: "an R workspace (.RData)", Fix: saveR, Table: true}}, {"RDX3\n", Format{Name: "an R workspace (.RData)", Fix: saveR, Table: true}},
		{"X\n\x00\x00\x00", Format{Name: "an R object (.rds)", Fix: saveR, Table: true}}, {"<stata_dta>", Format{Name: "a Stata file (.dta)", Fix: saveFrame, Table: true}},
		{"$FL2", Format{Name: "an SPSS file (.sav)", Fix: saveFrame, Table: true}}, {"$FL3", Format{Name: "an SPSS file (.zsav)", Fix: saveFrame, Table: true}},
		{"%PDF-", Format{Name: "a PDF", Fix: "give the table itself"}}, {"\x89PNG\r\n", Format{Name: "an image (PNG)", Fix: "give the file that was meant"}},
		{"\xff\xd8\xff", Format{Name: "an image (JPEG)", Fix: "give the file that was meant"}}, {"\x6c\x1b", Format{Name: "genotypes of PLINK (.bed or .pgen)", Fix: "name a fileset by the key files"}},
		{"BZh", Format{Name: "a file compressed by bzip2", Fix: packAgain}}, {"\xfd7zXZ\x00", Format{Name: "a file compressed by xz", Fix: packAgain}},
		{"\x04\x22\x4d\x18", Format{Name: "a file compressed by lz4", Fix: packAgain}}, {"7z\xbc\xaf\x27\x1c", Format{Name: "a 7z archive", Fix: packAgain}},
		{"\x80\x02", Format{Name: "a Python pickle, such as PyTorch's .pth", Fix: saveSafetensors}}, {"\x80\x03", Format{Name: "a Python pickle", Fix: saveSafetensors}},
		{"\x80\x04", Format{Name: "a Python pickle", Fix: saveSafetensors}}, {"\x80\x05", Format{Name: "a Python pickle", Fix: saveSafetensors}},
		{"GGUF", Format{Name: "a GGUF file", Fix: "give the weights in safetensors"}}, {"\x08\x07\x12", Format{Name: "an ONNX model", Fix: "give the weights in safetensors"}},
	}
}
