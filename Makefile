# Every target sets up what it needs: a virtual environment in .venv, and the wheel built from this tree, installed.
# A bare machine needs Python 3.10 or later, stable Rust, and make.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
SOURCES := $(shell find rust kernels python/fastmask -name '*.rs' -o -name '*.py' -o -name 'Cargo.toml') \
	Cargo.toml Cargo.lock pyproject.toml README.md
OBJECTIVES_PAGE := benchmarks/results/conformance-objectives.md
export PYTHONNOUSERSITE := 1

.PHONY: help demo test test-rust test-python test-kernels kernel-table gpu-check conformance bench wheel check format stubs clean

help:  ## show this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: $(INSTALLED)  ## train a tokenizer and three small models on text that Python carries; write demo-output/report.html
	$(BIN)/fastmask demo --out demo-output

test: test-rust test-python test-kernels  ## all tests; the Python ones against the installed wheel

test-rust:  ## the core's own tests
	cargo test --package fastmask-core --locked

test-python: $(INSTALLED)  ## everything that needs no Triton interpreter, and every example in a docstring
	$(BIN)/python -m pytest -m "not interpreter" tests
	$(BIN)/python -m pytest --doctest-modules --pyargs fastmask

# TRITON_INTERPRET is read when a kernel is decorated, so these tests need a process of their own.
test-kernels: $(INSTALLED)  ## the Triton kernels on the CPU, interpreted
	TRITON_INTERPRET=1 $(BIN)/python -m pytest -m interpreter tests/kernels

kernel-table: $(INSTALLED)  ## compile the Triton kernels for sm_80, sm_90 and sm_100, without a GPU; writes what each costs
	$(BIN)/python benchmarks/kernel_table.py

# Needs neither Rust nor the wheel: torch and triton, of .venv where there is one, else of PYTHON.
gpu-check:  ## the Triton kernels on the GPU at hand: right, the same twice, timed beside SDPA and FlexAttention; 10 minutes
	PYTHONPATH=python $(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON)) benchmarks/gpu_check.py

conformance: $(INSTALLED)  ## the same against whole corpora and with 10,000 examples a law; writes the tables of objectives
	FASTMASK_CONFORMANCE=1 $(BIN)/python -m pytest -m "not interpreter" --conformance-page $(OBJECTIVES_PAGE) \
		tests/text tests/tokens tests/rows tests/objectives tests/loader tests/conformance

bench: $(INSTALLED)  ## throughput against the rivals that are installed, on the same text in the same run
	$(BIN)/python benchmarks/run.py

# Compiled twice: a profile of the first build's work tells the compiler which way branches go. What the work does not
# reach is compiled for size, so it has to have some of everything.
PROFILE := $(CURDIR)/target/profile
PROFDATA = $(firstword $(wildcard $(shell rustc --print sysroot)/lib/rustlib/*/bin/llvm-profdata))
MATURIN_BUILD := $(BIN)/maturin build --quiet --release --locked --interpreter $(BIN)/python

wheel: $(INSTALLED)  ## the wheel for a release, compiled with a profile, into dist and .venv (rustup component add llvm-tools)
	@test -n "$(PROFDATA)" || { echo "llvm-profdata is missing: rustup component add llvm-tools"; exit 1; }
	rm -rf $(PROFILE) dist/*.whl
	RUSTFLAGS="-Cprofile-generate=$(PROFILE)/counts" $(MATURIN_BUILD) --target-dir target/profiled --out $(PROFILE)
	$(BIN)/python -m pip install --quiet --no-deps --target $(PROFILE)/site $(PROFILE)/*.whl
	PYTHONPATH=$(PROFILE)/site $(BIN)/python benchmarks/profile_work.py
	$(PROFDATA) merge --output $(PROFILE)/work.profdata $(PROFILE)/counts
	RUSTFLAGS="-Cprofile-use=$(PROFILE)/work.profdata" $(MATURIN_BUILD) --target-dir target/profiled --out dist
	$(BIN)/python -m pip install --quiet --no-deps --force-reinstall dist/*.whl
	touch $(INSTALLED)

check: $(INSTALLED)  ## formatters, lints and types
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(INSTALLED)  ## format all code
	cargo fmt --all
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

stubs: $(INSTALLED)  ## write the types of the compiled module, which a test holds against it
	$(BIN)/maturin generate-stubs --out target/stubs
	cp target/stubs/fastmask/_rust.pyi python/fastmask/_rust.pyi
	$(BIN)/ruff check --fix --quiet python/fastmask/_rust.pyi && $(BIN)/ruff format python/fastmask/_rust.pyi

clean:  ## remove everything that was built
	rm -rf target dist .venv demo-output

$(BIN)/maturin:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip "maturin>=1.9,<2"

# pip takes a wheel of the same version for the one that is there, so that one is removed first.
$(INSTALLED): $(SOURCES) | $(BIN)/maturin
	rm -f dist/*.whl
	$(MATURIN_BUILD) --out dist
	$(BIN)/python -m pip uninstall --quiet --yes fastmask
	$(BIN)/python -m pip install $(if $(wildcard $(INSTALLED)),--quiet) "$$(ls dist/*.whl)[dev]"
	touch $@
