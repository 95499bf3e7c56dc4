//go:build linux && cgo

package dnn

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"contig-gpu/gpu/internal/convolution"
	"contig-gpu/gpu/internal/driver"
)

// familyEnv makes TestFamilyOfOneProcess run; it may name a pack for an H200 that is loaded in whole beside.
const familyEnv = "CONTIG_DNN_TEST_FAMILY"

// TestPackServesItsFamily: plans that the real library made for an H200 load for an H100 and run through no compiler again; they do
// not load for an A100.
func TestPackServesItsFamily(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: plans are compiled")
	}
	vendor, torch := wheels(t, "cu13/lib/libcublasLt.so.13"), torchWheels(t)
	pack := os.Getenv(familyEnv)
	if pack == "" {
		pack = "none"
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestFamilyOfOneProcess$", "-test.v")
	cmd.Env = append(os.Environ(), familyEnv+"="+pack, "CONTIG_LIBCUDNN="+filepath.Join(torch, "cudnn/lib/libcudnn.so.9"), "LD_LIBRARY_PATH="+StubDriver(t))
	for _, l := range []string{"NVRTC=libnvrtc", "CUBLASLT=libcublasLt", "CUBLAS=libcublas"} {
		env, stem, _ := strings.Cut(l, "=")
		cmd.Env = append(cmd.Env, "CONTIG_LIB"+env+"="+filepath.Join(vendor, "cu13/lib", stem+".so.13"))
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestFamilyOfOneProcess") {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

func TestFamilyOfOneProcess(t *testing.T) {
	pack := os.Getenv(familyEnv)
	if pack == "" {
		t.Skip("the half of TestPackServesItsFamily that runs in a process of its own; run that one")
	}
	gpu := map[string]*Prober{}
	for _, name := range []string{"h200", "h100", "a100"} {
		b, err := Description(name)
		if err != nil {
			t.Fatal(err)
		}
		if gpu[name], err = NewProber(b); err != nil {
			t.Fatal(err)
		}
		defer gpu[name].Close()
	}
	c := driver.Conv{Shape: convolution.Shape{N: 64, H: 56, W: 56, C: 64, K: 64, R: 3, S: 3, Stride: 1, Pad: 1}, Type: driver.BF16}
	var compiled int
	for _, op := range []Op{Forward, ForwardStats, BackwardWeight, BackwardWeight16} {
		p := Problem{Op: op, Conv: c}
		plans, err := gpu["h200"].Plans(p, Options{Candidates: 2})
		if err != nil || len(plans) != 2 {
			t.Fatalf("%s: %d plans, %v", p, len(plans), err)
		}
		for _, s := range plans {
			if err := gpu["h100"].Load(p, s, Options{}); err != nil {
				t.Errorf("for an H100: %v", err)
			}
			if err := gpu["a100"].Load(p, s, Options{}); err == nil {
				t.Errorf("%s, engine %d: a plan for an H200 loads for an A100", p, s.Engine)
			}
			if s.Compiled {
				compiled++
			}
		}
	}
	sameAhead(t, gpu["h200"], c)
	if compiled != 4 {
		t.Errorf("%d plans were compiled, want the fused ones", compiled)
	}
	if pack != "none" {
		fmt.Println(loadAll(t, pack, gpu["h100"]))
	}
}

// sameAhead: the plans that several cores compile are those of one, and it says how long either took.
func sameAhead(t *testing.T, p *Prober, c driver.Conv) {
	t.Helper()
	took := map[int]time.Duration{}
	for _, op := range []Op{ForwardStats, BackwardWeight} {
		for _, k := range []int{64, 128} {
			c.K = k
			q, choices := Problem{Op: op, Conv: c}, map[int][]Choice{}
			for _, workers := range []int{1, 2} {
				start := time.Now()
				plans, err := p.Plans(q, Options{Workers: workers})
				if err != nil {
					t.Fatal(err)
				}
				took[workers] += time.Since(start)
				for _, s := range plans {
					choices[workers] = append(choices[workers], s.Choice)
				}
			}
			if len(choices[1]) < 2 || !reflect.DeepEqual(choices[1], choices[2]) {
				t.Errorf("%s: one core makes %+v, two make %+v", q, choices[1], choices[2])
			}
		}
	}
	fmt.Printf("4 problems of compiled plans: %v on one core, %v on two\n", took[1], took[2])
}

// loadAll loads all plans of a pack and says how long that took.
func loadAll(t *testing.T, path string, p *Prober) string {
	i, err := GPUInfo("h200")
	if err != nil {
		t.Fatal(err)
	}
	pack, err := openPack(path, PackHead{Format: cacheFormat, Library: p.Version(), Arch: i.Arch, Multiprocs: i.Multiprocs, Driver: i.Driver})
	if err != nil {
		t.Fatal(err)
	}
	var first, all, n int
	var firstTook, took time.Duration
	for _, f := range pack.zip.File {
		var problem packed
		if f.Name == packHead {
			continue
		}
		if err := pack.read(f.Name, &problem); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		plans, err := pack.plans(problem.Problem)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range plans {
			if err := p.Load(problem.Problem, s, Options{}); err != nil {
				t.Errorf("%s: %v", problem.Problem, err)
			}
			if i == 0 {
				firstTook += time.Since(start)
				first++
			}
		}
		took += time.Since(start)
		all += len(plans)
		n++
	}
	return fmt.Sprintf("%s: %d problems; the first plan of each in %v, all %d plans in %v", path, n, firstTook, all, took)
}
