//go:build !(gorgonia && linux && cgo)

package gpu

import "errors"

func openGorgonia(int) (*Device, error) {
	return nil, errors.New("this build is without it: eval \"$(scripts/gorgonia_env.sh)\" && go build -tags gorgonia ./cmd/contig-gpu, on Linux with cgo")
}
