// Package train runs a training from settings and sources of batches to checkpoints and metrics.
//
//	cfg, _ := train.Recipe("default")
//	summary, err := train.Run(ctx, train.Options{Config: cfg, Cohort: c, Dir: "runs/1", NewSource: open})
//
// # Run folder
//
// metrics.jsonl has one object a line; checkpoints/last.safetensors is what resuming starts from, best.safetensors
// is the best by Config.Best of the validation split, epoch-N.safetensors are kept as far as Config.Keep says. The folder is
// locked from the start; nothing else is written before the first step is done.
//
// # Resume
//
// A checkpoint holds all that the rest of a run depends on, and nothing else: no times, no numbers of threads. A run
// that was interrupted or killed and resumed leaves the same checkpoints as one that was not.
package train
