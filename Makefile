GO ?= go

.PHONY: help build test lint fmt bench ci

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## the program, as ./contig-gpu
	$(GO) build -o contig-gpu ./cmd/contig-gpu

test: ## vet and all tests
	$(GO) vet ./...
	$(GO) test ./...

lint: ## gofmt, vet, staticcheck
	@test -z "$$(gofmt -l cmd kernels gpu model data)" || { gofmt -l cmd kernels gpu model data; echo "run: make fmt"; exit 1; }
	$(GO) vet ./...
	$(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

fmt: ## format all Go code
	gofmt -w cmd kernels gpu model data

bench: build ## images per second of a whole training step
	./contig-gpu bench step --encoder resnet18 --image-size 64 --batch 32 --features 481,7854
	./contig-gpu bench step --encoder resnet50 --image-size 64 --batch 32 --features 481,7854
	./contig-gpu bench step --encoder resnet50 --image-size 224 --batch 8 --features 481,7854

ci: ## everything that .ci/run does
	.ci/run

# The SIMT emulator: the kernels compiled for the CPU behind a fake libcuda, NVRTC, cublasLt and cuDNN, for tests.
# SIMT_KERNELS and SIMT_BUILD let a test build other kernels elsewhere.
.PHONY: emulator emulator-asan simt-build FORCE
SIMT := gpu/internal/simt
SIMT_KERNELS ?= kernels
SIMT_BUILD ?= build
SIMT_VARIANT ?=
simt_out := $(SIMT_BUILD)/simt$(SIMT_VARIANT)
simt_lib := $(SIMT_BUILD)/libsimt$(SIMT_VARIANT).so
simt_flags := -std=c++17 -O2 -g -fPIC -Wall -Wextra -Wno-unknown-pragmas -ffp-contract=off -fno-strict-aliasing \
	$(if $(SIMT_VARIANT),-fsanitize=address) -I$(SIMT) -I$(SIMT_KERNELS)
simt_kernels := $(sort $(wildcard $(SIMT_KERNELS)/*.cu $(SIMT_KERNELS)/*.cuh))
simt_objects := $(patsubst $(SIMT)/%.cpp,$(simt_out)/%.o,$(wildcard $(SIMT)/*.cpp)) \
	$(patsubst $(SIMT_KERNELS)/%.cu,$(simt_out)/kernel_%.o,$(filter %.cu,$(simt_kernels)))

emulator: ## build/libsimt.so, the emulator for tests
	@mkdir -p $(SIMT_BUILD) && flock $(SIMT_BUILD)/simt.lock $(MAKE) --no-print-directory simt-build SIMT_VARIANT=

emulator-asan: ## the same under AddressSanitizer, build/libsimt_asan.so
	@mkdir -p $(SIMT_BUILD) && flock $(SIMT_BUILD)/simt.lock $(MAKE) --no-print-directory simt-build SIMT_VARIANT=_asan

simt-build: $(simt_lib)

$(simt_lib): $(simt_objects) $(simt_out)/sources.inc
	$(CXX) -shared -Wl,-Bsymbolic -Wl,-z,defs $(if $(SIMT_VARIANT),-fsanitize=address) -o $@.new $(simt_objects)
	mv $@.new $@

$(simt_out)/%.o: $(SIMT)/%.cpp
	@mkdir -p $(@D)
	$(CXX) $(simt_flags) -I$(simt_out) -MMD -MP -c $< -o $@

$(simt_out)/kernel_%.o: $(SIMT_KERNELS)/%.cu
	@mkdir -p $(@D)
	$(CXX) -x c++ $(simt_flags) -MMD -MP -c $< -o $@

$(simt_out)/sources.o: $(simt_out)/sources.inc $(simt_kernels)

# The list of kernel sources changes when a file comes or goes; only then is it written anew.
$(simt_out)/sources.inc: FORCE
	@mkdir -p $(@D)
	@n=0; for f in $(simt_kernels); do echo "SOURCE($$n, \"$$(basename $$f)\", \"$$f\")"; n=$$((n + 1)); done > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

-include $(wildcard $(simt_out)/*.d)
