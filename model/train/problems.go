package train

// Numbers of the catalogue of errors.
const (
	codeTooManyBad    = 511 // images that cannot be decoded
	codeCohortDiffers = 702
	codeConfigDiffers = 703
	codeNoCheckpoint  = 704
	codeRunExists     = 705
	codeTooFew        = 708 // not enough batches for one step
	codeNoEmbedding   = 716 // that is finite
	codeMemory        = 721 // planned
	codeOutOfMemory   = 722 // after the plan said that it fits
	codeDisk          = 723 // planned
)
