//go:build linux && cgo

package dl

// OpenFirst opens the first of files that the loader accepts: paths, or plain names, which the loader looks for by itself. Open's other places
// are those of the GPU's vendor. name is used in errors only, env as the variable that may name the file. The error is an *OpenError.
func OpenFirst(name, env string, files ...string) (*Library, error) {
	failed := &OpenError{Name: name, Soname: files[0], Env: env}
	for _, file := range files {
		l, err := open(name, file)
		if err == nil {
			return l, nil
		}
		failed.Tried = append(failed.Tried, Attempt{file, err.Error()})
	}
	return nil, failed
}
