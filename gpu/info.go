package gpu

import (
	"fmt"

	"contig-gpu/gpu/internal/driver"
)

// An Info describes a GPU and what drives it.
type Info struct {
	Name           string    `json:"name"`
	PCI            string    `json:"pci"`                // its address in its host, "0000:1b:00"; "": not known
	Capability     int       `json:"compute_capability"` // 90 for 9.0
	Multiprocs     int       `json:"multiprocessors"`
	Memory         int       `json:"memory_bytes"`
	Free           int       `json:"free_bytes"`
	SharedPerBlock int       `json:"shared_bytes_per_block"`
	L2             int       `json:"l2_bytes"`
	Driver         int       `json:"driver_cuda_version"` // 13000 for 13.0
	Libraries      []Library `json:"libraries"`
	Emulated       bool      `json:"emulated"` // the test emulator plays it
}

// A Library is a shared library in use and where it came from.
type Library = driver.Library

// Warning returns what hinders nothing but should be known of the device, if there is such: plans of convolutions that
// could not be kept for the next run, or not be timed. It may change with every operation.
func (d *Device) Warning() error { return d.warning() }

// GPU describes the device's GPU; nil on a device that is none.
func (d *Device) GPU() *Info { return d.info() }

// DescribeGPU returns cuDNN's own description of the device's GPU, as JSON: with it plans for the GPU are made where it
// is not (package gpu/internal/dnn). Devices that do not compute by cuDNN 9 have none.
func (d *Device) DescribeGPU() ([]byte, error) {
	text, err := d.describe()
	if err != nil {
		err = fmt.Errorf("gpu: DescribeGPU of %s: %w", d.Name(), err)
	}
	return text, err
}
