# What CI runs, by name. `go test ./...` needs Go alone; the targets below install what they need into .conformance.

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: test check wasm generate conformance conformance-torch bench bench-peers fuzz

test:
	go test ./...

# Formatting, vet, staticcheck, arithmetic that is the same on every processor; the recipes in canonical form and without findings.
check:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt -w on these"; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	go run ./internal/equalbits/cmd
	go run ./cmd/pare fmt --check recipes/*.yaml
	go run ./cmd/pare lint --strict recipes/*.yaml
	go test -tags purego ./internal/kernel ./internal/ggml ./graph/exec

# The language and the graph it speaks of, for a browser.
wasm:
	GOOS=js GOARCH=wasm go build ./recipe/... ./graph/ir/...

conformance:
	conformance/run

# Folders against PyTorch, transformers and compressed-tensors: installs some 7 GB.
conformance-torch:
	conformance/torch/run

bench:
	go test -run '^$$' -bench . -benchtime 0.5s -cpu 1 ./internal/kernel
	go test -run '^$$' -bench . -benchtime 0.1s -cpu 1 ./internal/ggml
	go test -run '^$$' -bench . -benchtime 1s ./graph/exec
	go test -run '^$$' -bench . -benchtime 1s ./recipes/train

# pare lint and plan as whole processes, beside other linters. Run it on an idle machine.
PEERS = $(CURDIR)/.conformance/peers
bench-peers:
	GOBIN=$(PEERS) go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
	test -x $(PEERS)/py/bin/yamllint || python3 -m venv $(PEERS)/py
	$(PEERS)/py/bin/pip install -q --disable-pip-version-check --no-deps --require-hashes -r conformance/yamllint.txt
	go build -o $(PEERS)/pare ./cmd/pare
	go run ./internal/benchpeers $(PEERS)/pare $(PEERS)/actionlint $(PEERS)/py/bin/yamllint
	$(MAKE) bench-quantize

# pare build as a whole process on a model of 1.1 billion parameters, beside llama-quantize and cp. LLAMA_QUANTIZE=- takes
# its rates from a quiet machine. It writes some 8 GB.
LLAMA_QUANTIZE ?= $(or $(shell command -v llama-quantize),-)
.PHONY: bench-quantize
bench-quantize:
	go build -o $(PEERS)/pare ./cmd/pare
	test -f $(PEERS)/big/gguf/model.gguf || go run ./internal/bigmodel --shape tinyllama-1.1b --format gguf --out $(PEERS)/big/gguf
	test -f $(PEERS)/big/safetensors/config.json || go run ./internal/bigmodel --shape tinyllama-1.1b --format safetensors --out $(PEERS)/big/safetensors
	go run ./internal/benchquantize $(PEERS)/pare $(LLAMA_QUANTIZE) $(PEERS)/big

# Each fuzz target for FUZZTIME.
FUZZTIME ?= 60s
fuzz:
	@for pkg in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; done
