// Package data has the types that a joined cohort is made of: images, persons, tables of genetics, batches.
// Nothing here or below imports a device or a model, and nothing knows the names of the modalities. Two forms are shaped by
// what a device takes, though: Packed, and of a Batch the Pixels with the values that vary them.
package data

// Split says what a person is used for.
type Split uint8

const (
	Train      Split = iota // fits parameters and statistics
	Validation              // chooses the best checkpoint
	Test                    // touched once, at the end
)

func (s Split) String() string { return [...]string{"train", "validation", "test"}[s] }

// A SplitRule says how groups are drawn into splits.
type SplitRule struct {
	Seed       uint64  `json:"seed"`
	Train      float64 `json:"train"` // fractions of persons
	Validation float64 `json:"validation"`
	Test       float64 `json:"test"`
	By         string  `json:"by"` // group or person
}

// A ManifestRow is a row of a manifest, as a run keeps it of an image that cannot be decoded: with it the cohort stays what it
// was, whether the row is taken out since, or the file removed or mended.
type ManifestRow struct {
	Number int      // of the row among those of images, from 0
	Fields []string // person_id, image, eye, visit, split, group
	Size   int64    // of the file when the run began, bytes
	Digest string   // SHA-256 of the file then, in hexadecimal
	Skip   bool     // the run goes on without the image
}

// An Image is one row of the manifest.
type Image struct {
	Path   string // as opened
	Person int    // index into Cohort.Persons
	Eye    string // "L", "R" or ""
	Visit  string
	Line   int // in the manifest, for errors

	Size   int64  // of the file, bytes
	Digest string // SHA-256 of the file in hexadecimal, where it was computed
	Known  string // the same, of a file that a run has found broken: it stands for the file, whatever becomes of that
	Skip   bool   // not to be read: a run has found that it cannot be decoded
}

// A Person has images and, for each modality, genetics or nothing.
type Person struct {
	ID     string
	Group  int // persons of one group (relatives, twins) never straddle a split; equal to no other's when alone
	Split  Split
	Images []int // indices into Cohort.Images
}

// A Table holds one modality for every person of a cohort.
type Table interface {
	Name() string
	Stats() *Stats
	// Row writes the standardised features of a person, missing values imputed, and reports whether the
	// person has the modality at all; if not, dst is zeroed. It may be called from several goroutines.
	Row(person int, dst []float32) bool
	// Has reports the same without decoding.
	Has(person int) bool
}

// Stats says how the raw values of a modality become features: (x - Center) * Scale, and Fill where x is
// missing. It is fitted on training persons and stored in checkpoints.
type Stats struct {
	Names  []string  `json:"names"`            // of the features, in order
	Allele []string  `json:"allele,omitempty"` // SNPs: the counted allele of each
	Other  []string  `json:"other,omitempty"`  // SNPs: the other allele
	Center []float64 `json:"center"`
	Scale  []float64 `json:"scale"`
	Fill   []float64 `json:"fill"` // after standardisation
}

// Width returns the number of features.
func (s *Stats) Width() int { return len(s.Names) }

// A SourceDigest says what a source held, so that of two cohorts it can be told in which source they differ.
type SourceDigest struct {
	Name     string `json:"name"`     // of the modality; "" for images
	Rows     int    `json:"rows"`     // persons who have it, or images
	Features int    `json:"features"` // 0 for images
	Stats    string `json:"stats"`    // hex digest of the statistics; of images of names and sizes
	Train    string `json:"train"`    // hex digest of training persons' values; of images of all bytes
	Held     string `json:"held"`     // of the other persons' values
}

// A Flow is a step of joining.
type Flow struct {
	Of      string // a modality, whose features are counted; "": persons
	Step    string // what was done, a few words
	Remain  int    // after it
	Removed int    // by it
	Why     string // "" where nothing was removed
}

// A Cohort is what a manifest and its genetics join to. Every person has an image and at least one modality.
type Cohort struct {
	Images  []Image
	Persons []Person
	Tables  []Table
	Notes   []string // what was counted, dropped and warned of while joining, one line each; no ids
	Flow    []Flow   // how many were left at each step of joining, in order
	// Hash is the hex digest of ids, groups, splits, who has what, the names and sizes of the images, and the statistics.
	Hash string
	// Row returns the row of the manifest of an image; nil: there is no manifest.
	Row func(image int) ManifestRow
	// Rule is how persons were split whom the manifest gives no split.
	Rule SplitRule
	// Sources has a digest of each table, in their order, and of the images. Empty where nobody asked for Content.
	Sources []SourceDigest
	// Content is the hex digest of every person's features and of the bytes of the images. "" where nobody asked for it.
	Content string
}

// Batch is one step's input on the host. Its slices are reused by the next call of Next. A source gives either what a
// model takes, Image and Tables, or what a device that keeps the tables makes it from: Pixels with their variation, and
// Person.
type Batch struct {
	N       int
	Views   int         // variations of each image, 0: one. What is of images has rows for the first view of all N, then for the next
	Image   []float32   // [Views N, H, W, 3], normalised
	Tables  [][]float32 // per modality, in the cohort's order: [N, features], zero where absent
	Present [][]uint8   // per modality: [N], 1 where the person has it
	Person  []int32     // [N] index into Cohort.Persons
	Group   []int32     // [N] Person.Group
	Index   []int32     // [N] index into Cohort.Images

	Target []float32 // [N, ...] what is to be predicted of each row; nil: the source does not tell
	Known  []uint8   // of its shape: 1 where it is known

	Whole Whole // the batch of all ranks, of which this is one rank's share

	PixelSide int       // side of Pixels; 0: there are none
	Pixels    []uint8   // [Views N, PixelSide, PixelSide, 3], as decoded
	Geometry  []int32   // [Views N, 10] of the variation, as package gpu's Augment takes it
	Colour    []float32 // [Views N, 3]: brightness, contrast, saturation
}

// A Whole is what is known of all rows of a batch that ranks share: of B rows rank r has [r B/R, (r+1) B/R). Where a batch is one rank's alone it has
// none.
type Whole struct {
	N       int       // images; the rows behind them fill the last ranks' shares: the last image again, without any table
	Present [][]uint8 // per modality: [B]
	Person  []int32   // [B]
	Group   []int32   // [B]
	Index   []int32   // [B]
}

// Everyone returns what is known of all images of the batch: itself, or its Whole.
func (b *Batch) Everyone() *Batch {
	w := b.Whole
	if w.N == 0 {
		return b
	}
	all := &Batch{N: w.N, Person: w.Person[:w.N], Group: w.Group[:w.N], Index: w.Index[:w.N]}
	for _, p := range w.Present {
		all.Present = append(all.Present, p[:w.N])
	}
	return all
}

// Variations returns the number of views.
func (b *Batch) Variations() int { return max(1, b.Views) }

// Dims are the shapes of a Source's batches, known before reading.
type Dims struct {
	Batch, Height, Width int
	Modalities           []string
	Features             []int

	RowBytes   int // of the host, that the source holds for each row of Batch, whatever it reads
	CacheBytes int // of the host, that it may come to hold beside: decoded images

	PixelSide int        // side of Pixels; 0: batches have Image and Tables
	Norm      [6]float32 // factor of each channel of Pixels, red first, then offset: what normalises grey levels 0..255
}

// A Source yields the batches of one split. What it yields depends on its seed and the epoch alone, not on
// the number of workers.
type Source interface {
	Dims() Dims
	Batches() int                // per epoch
	Reset(epoch, skip int) error // begin an epoch, leaving out its first skip batches
	Next(b *Batch) error         // io.EOF at the end of the epoch
	Close() error
}
