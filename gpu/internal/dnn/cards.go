package dnn

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"contig-gpu/gpu/internal/driver"
)

//go:embed cards/*.json
var cardFiles embed.FS

// Cards returns the names of the GPUs that are described in this package.
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

// CardInfo returns a GPU's figures, as far as they are described.
func CardInfo(name string) (driver.Info, error) {
	b, err := Card(name)
	if err != nil {
		return driver.Info{}, err
	}
	var c struct {
		Name       string `json:"deviceName"`
		Version    int    `json:"deviceVer"` // 900 for 9.0
		Multiprocs int    `json:"multiProcessorCount"`
		Memory     int    `json:"totalGlobalMem"`
		Shared     int    `json:"maxSharedMemoryPerBlockOptin"`
		L2         int    `json:"l2CacheSize"`
		Driver     int    `json:"driverVer"`
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return driver.Info{}, fmt.Errorf("cuDNN: card %q: %w", name, err)
	}
	return driver.Info{Name: c.Name, Arch: c.Version / 10, Multiprocs: c.Multiprocs, Memory: c.Memory, SharedPerBlock: c.Shared, L2: c.L2, Driver: c.Driver}, nil
}

// Card returns the description of a GPU as the library reads and writes it (CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION),
// written by hand from public figures: clocks in kHz, sizes in bytes.
func Card(name string) ([]byte, error) {
	b, err := cardFiles.ReadFile(path.Join("cards", name+".json"))
	if err != nil {
		return nil, fmt.Errorf("cuDNN: card %q: the GPUs described here are %s", name, strings.Join(Cards(), ", "))
	}
	return b, nil
}
