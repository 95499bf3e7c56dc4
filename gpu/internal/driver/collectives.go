package driver

import "errors"

// ErrGone is what errors are by errors.Is that say that the ranks of a run are no longer together: a collective failed, a rank did not
// come, or they were abandoned. The device has failed then.
var ErrGone = errors.New("the ranks are no longer together")

// ErrNoCollectives is what errors are by errors.Is that say that the library of collectives is not there, or too old.
var ErrNoCollectives = errors.New("no library for several ranks on GPUs")

// IDBytes is the length of a Place's ID.
const IDBytes = 128

// A Place is where a process stands among the ranks of a run.
type Place struct {
	ID         []byte // what rank 0 made for this run, the same on all
	Rank, Size int
}

// Collectives are what the ranks of a run do together, each on a device of its own, in the order of their calls. All ranks
// call the same ones with the same sizes in the same order; what one records and replays all record and replay. They are called as the
// device is, and fail as its launches do; Failed and Abandon may be called from any goroutine.
type Collectives interface {
	// AllReduce replaces n elements by their sum over all ranks. All get the same bytes.
	AllReduce(p Ptr, n int, t Type)
	// AllReduceBeside is AllReduce after what is queued, and beside what is queued on the main stream later, until Rejoin makes that wait.
	AllReduceBeside(p Ptr, n int, t Type)
	Rejoin()
	// AllGather writes the bytes at src of all ranks behind each other to dst. src may be this rank's place in dst.
	AllGather(dst, src Ptr, bytes int)
	// Broadcast replaces bytes by rank 0's.
	Broadcast(p Ptr, bytes int)
	// Failed returns what went wrong beside the calls, as the loss of a rank that the library has noticed; nil while all is well.
	Failed() error
	// Abandon ends what waits for another rank on the device, and what is to come, with why and ErrGone. It may be called again.
	Abandon(why error)
	// Close ends them, after what was queued. Recorded work that holds any of them is closed before.
	Close() error
}
