package ranks

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"contig-gpu/data"
)

// A Member is what a rank says of itself.
type Member struct {
	Rank       int    `json:"rank"`
	Size       int    `json:"-"`
	Host       string `json:"host"`
	Pid        int    `json:"process"`
	Processors int    `json:"processors"` // that it may use
}

// String names the rank as errors do.
func (m Member) String() string {
	return fmt.Sprintf("rank %d (%s, process %d)", m.Rank, m.Host, m.Pid)
}

// A Trait is something that must be equal on all ranks, such as the version of the program.
type Trait struct{ Name, Value string }

// Kinds of notes. Rank 0 greets who connects; that one says hello with its proof; rank 0 welcomes it with its own, or refuses it, and says
// start when all are there. Afterwards beats and words go both ways, warnings to rank 0, and a failure or good-bye ends them.
const (
	kindGreeting = "contig-gpu ranks 1"
	kindHello    = "hello"
	kindWelcome  = "welcome"
	kindRefuse   = "refuse"
	kindStart    = "start"
	kindBeat     = "beat"
	kindFail     = "fail"
	kindWarn     = "warn"
	kindWords    = "words"
	kindBye      = "bye"
)

// A note is one line of JSON between two ranks.
type note struct {
	Kind    string
	Nonce   []byte        `json:",omitempty"`
	Proof   []byte        `json:",omitempty"`
	Member  *Member       `json:",omitempty"`
	Size    int           `json:",omitempty"`
	Same    []Trait       `json:",omitempty"`
	Text    string        `json:",omitempty"` // why one is refused; a warning
	Step    int           `json:",omitempty"` // the last that it has come to
	Problem *data.Problem `json:",omitempty"` // a failure
	Words   []byte        `json:",omitempty"` // of a collective that no library carries
}

// Bounds of what a stranger may cost.
const (
	strangerBytes = 64 << 10
	strangerTime  = 10 * time.Second
	strangers     = 256 // at a time
)

// A peer is a connection to another rank.
type peer struct {
	Member
	conn  net.Conn
	dec   *json.Decoder
	limit *io.LimitedReader

	sending sync.Mutex
	step    int       // the last that it has come to
	since   time.Time // when that was heard of
	left    bool      // it has said good-bye
}

// connected wraps a connection of which little is read until trust.
func connected(c net.Conn) *peer {
	limit := &io.LimitedReader{R: c, N: strangerBytes}
	return &peer{conn: c, limit: limit, dec: json.NewDecoder(limit)}
}

// trust lifts the bounds for strangers.
func (p *peer) trust() {
	p.limit.N = 1 << 62
	p.conn.SetDeadline(time.Time{})
}

// send writes a note, or gives up on a peer that takes nothing.
func (p *peer) send(n note) error {
	p.sending.Lock()
	defer p.sending.Unlock()
	if err := p.conn.SetWriteDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return err
	}
	line, err := json.Marshal(n)
	if err != nil {
		return err
	}
	_, err = p.conn.Write(append(line, '\n'))
	return err
}

// hear reads the next note.
func (p *peer) hear() (note, error) {
	var n note
	err := p.dec.Decode(&n)
	return n, err
}

// proof is what only who knows the secret can say to another's nonce, and for one direction and rank only.
func proof(secret []byte, role string, theirs, mine []byte, rank int) []byte {
	m := hmac.New(sha256.New, secret)
	fmt.Fprintf(m, "%s %s %x %x %d", kindGreeting, role, theirs, mine, rank)
	return m.Sum(nil)
}

func nonce() []byte {
	n := make([]byte, 16)
	rand.Read(n) // never fails
	return n
}
