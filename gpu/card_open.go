package gpu

import "errors"

func openCUDA(ordinal int) (*Device, error) {
	return nil, errors.New("this build has no GPU device")
}
