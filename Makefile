GO ?= go

.PHONY: help build test lint fmt bench ci

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "%-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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
