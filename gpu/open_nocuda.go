//go:build !(linux && cgo)

package gpu

import (
	"errors"
)

func openCUDA(int, Options) (*Device, error) {
	return nil, errors.New("this program was built without cgo for Linux, which a GPU needs")
}
