package dnn

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"contig-gpu/gpu/internal/driver"
)

//go:embed gpus/*.json
var files embed.FS

// GPUs returns the names of the GPUs that are described in this package.
func GPUs() []string {
	entries, err := files.ReadDir("gpus")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".json"))
	}
	return names
}

// GPUInfo returns a GPU's figures, as far as they are described.
func GPUInfo(name string) (driver.Info, error) {
	b, err := Description(name)
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
		return driver.Info{}, fmt.Errorf("cuDNN: GPU %q: %w", name, err)
	}
	return driver.Info{Name: c.Name, Arch: c.Version / 10, Multiprocs: c.Multiprocs, Memory: c.Memory, SharedPerBlock: c.Shared, L2: c.L2, Driver: c.Driver}, nil
}

// Description returns the description of a GPU as the library reads and writes it (CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION),
// written by hand from public figures: clocks in kHz, sizes in bytes.
func Description(name string) ([]byte, error) {
	b, err := files.ReadFile(path.Join("gpus", name+".json"))
	if err != nil {
		return nil, fmt.Errorf("cuDNN: GPU %q: the GPUs described here are %s", name, strings.Join(GPUs(), ", "))
	}
	return b, nil
}
