package dnn

import (
	"embed"
	"fmt"
	"path"
	"strings"
)

//go:embed cards/*.json
var cardFiles embed.FS

// Cards returns the names of the cards that are described in this package.
func Cards() []string {
	entries, err := cardFiles.ReadDir("cards")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".json"))
	}
	return names
}

// Card returns the description of a card as the library reads and writes it (CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION),
// written by hand from public figures: clocks in kHz, sizes in bytes.
func Card(name string) ([]byte, error) {
	b, err := cardFiles.ReadFile(path.Join("cards", name+".json"))
	if err != nil {
		return nil, fmt.Errorf("cuDNN: card %q: the cards described here are %s", name, strings.Join(Cards(), ", "))
	}
	return b, nil
}
