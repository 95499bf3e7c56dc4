// Package build makes objectives by name. A new objective is a package of its own, and one line here.
package build

import (
	"fmt"
	"slices"
	"strings"

	"contig-gpu/model"
	"contig-gpu/model/objective"
	"contig-gpu/model/ssl"
	"contig-gpu/model/tune"
	"contig-gpu/model/unet"
)

// The objectives.
const (
	ContIG = "contig" // images against genetics
	SimCLR = "simclr" // two views of an image against each other
)

// What predicts from images, and needs a Config.Head: labels, or masks.
const (
	Finetune = "finetune"
	Segment  = "segment"
)

// A Config says what is trained, and by what. Fields of Model that the objective has no use for are ignored.
type Config struct {
	Objective string       `json:"objective"`
	Model     model.Config `json:"model"`
	Head      *tune.Config `json:"head,omitempty"` // of Finetune and Segment; nil of others
	Chunk     int          `json:"chunk"`          // images that the image encoder takes at a time; 0: the batch
}

type entry struct {
	name  string
	build func(Config) (objective.Objective, error)
}

// objectives are those that need no labels, in the order that they are listed in.
func objectives() []entry { return []entry{{ContIG, newContIG}, {SimCLR, newSimCLR}} }

// Names lists the objectives that need no labels.
func Names() []string {
	var names []string
	for _, o := range objectives() {
		names = append(names, o.name)
	}
	return names
}

// UsesTables reports whether the objective called name looks at anything but images.
func UsesTables(name string) bool { return name == ContIG }

// New builds an objective whose weights have no memory yet.
func New(c Config) (objective.Objective, error) {
	if (c.Objective == Finetune || c.Objective == Segment) != (c.Head != nil) {
		return nil, fmt.Errorf("objective %q with head %v: what predicts has a head, and nothing else", c.Objective, c.Head)
	}
	for _, o := range append(objectives(), entry{Finetune, newFinetune}, entry{Segment, newSegment}) {
		if o.name == c.Objective {
			return o.build(c)
		}
	}
	return nil, fmt.Errorf("objective %q: want one of %s", c.Objective, strings.Join(Names(), ", "))
}

// Validate reports the first field that makes no sense. Of ContIG the modalities may be missing: the data bring them.
func (c Config) Validate() error {
	if c.Head == nil && !slices.Contains(Names(), c.Objective) {
		return fmt.Errorf("objective %q: want one of %s", c.Objective, strings.Join(Names(), ", "))
	}
	if UsesTables(c.Objective) && len(c.Model.Modalities) == 0 {
		c.Model.Modalities = []model.Modality{{Name: "any", Features: 1}}
	}
	_, err := New(c)
	return err
}

func newContIG(c Config) (objective.Objective, error) {
	m, err := model.New(c.Model)
	if err != nil {
		return nil, err
	}
	m.Chunk = c.Chunk
	return m, nil
}

func newFinetune(c Config) (objective.Objective, error) {
	if c.Chunk != 0 {
		return nil, fmt.Errorf("chunk %d: objective %s takes whole batches only", c.Chunk, Finetune)
	}
	return tune.New(c.Model.Encoder, *c.Head)
}

func newSegment(c Config) (objective.Objective, error) {
	switch {
	case c.Chunk != 0:
		return nil, fmt.Errorf("chunk %d: objective %s takes whole batches only", c.Chunk, Segment)
	case c.Head.Task != unet.Task:
		return nil, fmt.Errorf("task %q of objective %s: want %s", c.Head.Task, Segment, unet.Task)
	}
	return unet.New(c.Model.Encoder, len(c.Head.Names))
}

func newSimCLR(c Config) (objective.Objective, error) {
	if c.Chunk != 0 {
		return nil, fmt.Errorf("chunk %d: objective %s takes whole batches only", c.Chunk, SimCLR)
	}
	return ssl.NewSimCLR(ssl.SimCLRConfig{Encoder: c.Model.Encoder, Hidden: c.Model.Hidden, Embedding: c.Model.Embedding, Tau: c.Model.Tau})
}
