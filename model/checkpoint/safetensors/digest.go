package safetensors

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// The digest of a file stands in its metadata, under digestKey and behind digestPrefix, in hexadecimal. It is the SHA-256 of, each
// number as 8 bytes little-endian and each text behind its length: the number of the other entries of the metadata, their keys
// and values in the order of the keys; the number of tensors, and in the order of their names each name, type, number of dimensions,
// dimensions, number of bytes, and the SHA-256 of every MiB of its bytes. So all processors work on it, and it does not depend on how
// the header is written.
const (
	digestKey    = "contig-gpu.digest"
	digestPrefix = "sha256:"
	digestBlock  = 1 << 20
)

// A block is a part of a tensor's bytes that is read and digested at a time.
type block struct{ tensor, from, to int }

// blocksOf cuts tensors of these sizes, in bytes, those that are wanted.
func blocksOf(sizes []int, wanted func(i int) bool) []block {
	n := 0
	for i, size := range sizes {
		if wanted(i) {
			n += blockCount(size)
		}
	}
	bs := make([]block, 0, n)
	for i, size := range sizes {
		for at := 0; at < size && wanted(i); at += digestBlock {
			bs = append(bs, block{i, at, min(size, at+digestBlock)})
		}
	}
	return bs
}

func blockCount(size int) int { return (size + digestBlock - 1) / digestBlock }

// parallel calls do for 0 to n-1 from as many goroutines as there are processors, each with a number of its own below workers, and
// returns the first error.
func parallel(n int, do func(worker, i int) error) error {
	var next atomic.Int64
	var wait sync.WaitGroup
	errs := make([]error, workers(n))
	for w := range errs {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for errs[w] == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				errs[w] = do(w, i)
			}
		}()
	}
	wait.Wait()
	return cmp.Or(errs...)
}

func workers(n int) int { return max(1, min(n, runtime.GOMAXPROCS(0))) }

// digestOf returns the digest of metadata and tensors, given the sums of their blocks.
func digestOf(metadata map[string]string, ts []Tensor, sizes []int, sums [][sha256.Size]byte) string {
	h := sha256.New()
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(metadata)), func(k string) bool { return k == digestKey })
	putInt(h, len(keys))
	for _, k := range keys {
		putText(h, k)
		putText(h, metadata[k])
	}
	order, first := make([]int, len(ts)), make([]int, len(ts)+1)
	for i := range ts {
		order[i], first[i+1] = i, first[i]+blockCount(sizes[i])
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(ts[a].Name, ts[b].Name) })
	putInt(h, len(ts))
	for _, i := range order {
		putText(h, ts[i].Name)
		putText(h, string(ts[i].DType))
		putInt(h, len(ts[i].Shape))
		for _, d := range ts[i].Shape {
			putInt(h, d)
		}
		putInt(h, sizes[i])
		for _, sum := range sums[first[i]:first[i+1]] {
			h.Write(sum[:])
		}
	}
	return digestPrefix + hex.EncodeToString(h.Sum(nil))
}

func putInt(h hash.Hash, n int) { h.Write(binary.LittleEndian.AppendUint64(nil, uint64(n))) }

func putText(h hash.Hash, s string) {
	putInt(h, len(s))
	h.Write([]byte(s))
}

// digest returns the digest of metadata and tensors whose bytes are in memory.
func digest(metadata map[string]string, ts []Tensor) string {
	sizes := make([]int, len(ts))
	for i, t := range ts {
		sizes[i] = len(t.Data)
	}
	bs := blocksOf(sizes, func(int) bool { return true })
	sums := make([][sha256.Size]byte, len(bs))
	_ = parallel(len(bs), func(_, i int) error {
		b := bs[i]
		sums[i] = sha256.Sum256(ts[b.tensor].Data[b.from:b.to])
		return nil
	})
	return digestOf(metadata, ts, sizes, sums)
}
